// PyPI's livekit-api drives RoomService and verifies the webhooks that follow.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { devKey, freePort, Server } from '../../web/e2e/support/server.mjs';
import { adminPeer, nodePeer } from '../support/peers.mjs';
import { joinToken, token } from '../support/token.mjs';

describe('RoomService and webhooks', () => {
  let server;
  let admin;
  let guest;
  const room = 'managed';

  before(async () => {
    const port = await freePort();
    const config = `
[webhooks]
urls = ["http://127.0.0.1:${port}/webhook"]
api_key = "${devKey.key}"
`;
    server = await Server.start({ name: 'interop-room-service', config });
    admin = adminPeer();
    await admin.call('receiveWebhooks', { port, ...devKey });
    await admin.call('open', { url: `http://localhost:${server.ports.http}`, ...devKey });
    guest = nodePeer();
  });
  after(async () => {
    await guest?.close();
    await admin?.close();
    await server?.stop();
  });

  test('a room is created and listed', async () => {
    const created = await admin.call('createRoom', {
      name: room,
      metadata: 'first',
      empty_timeout: 60,
      max_participants: 10,
    });
    assert.equal(created.name, room);
    assert.match(created.sid, /^RM_/);
    assert.equal(created.metadata, 'first');
    const rooms = await admin.call('listRooms');
    assert.deepEqual(
      rooms.map((entry) => entry.name),
      [room],
    );
  });

  test('room metadata changes', async () => {
    const changed = await admin.call('updateRoomMetadata', { room, metadata: 'second' });
    assert.equal(changed.metadata, 'second');
  });

  test('a participant is listed with tracks; the start of the room, joining and publishing are told', async () => {
    const url = `ws://localhost:${server.ports.http}`;
    await guest.call('connect', { url, token: joinToken('guest', room), path: 'v1' });
    await guest.call('publishAudio');
    const started = await admin.call('webhook', { event: 'room_started', room });
    assert.equal(started.content_type, 'application/webhook+json');
    await admin.call('webhook', { event: 'participant_joined', room, participant: 'guest' });
    await admin.call('webhook', { event: 'track_published', room, participant: 'guest' });
    const people = await admin.call('listParticipants', { room });
    assert.deepEqual(
      people.map((person) => person.identity),
      ['guest'],
    );
    const person = await admin.call('getParticipant', { room, identity: 'guest' });
    assert.match(person.sid, /^PA_/);
    assert.equal(person.tracks.length, 1);
    assert.match(person.tracks[0].sid, /^TR_/);
  });

  test('a track is muted from outside', async () => {
    const { tracks } = await admin.call('getParticipant', { room, identity: 'guest' });
    const { track } = await admin.call('mutePublishedTrack', {
      room,
      identity: 'guest',
      track_sid: tracks[0].sid,
      muted: true,
    });
    assert.equal(track.muted, true);
  });

  test('metadata, name, attributes and permissions of a participant change', async () => {
    const changed = await admin.call('updateParticipant', {
      room,
      identity: 'guest',
      metadata: 'vip',
      name: 'The Guest',
      attributes: { seat: '7' },
      permission: { can_publish: true, can_subscribe: true, can_publish_data: false },
    });
    assert.equal(changed.metadata, 'vip');
    assert.equal(changed.name, 'The Guest');
    assert.equal(changed.attributes.seat, '7');
    assert.ok(!changed.permission.can_publish_data);
  });

  test('data is sent into the room', async () => {
    await admin.call('sendData', { room, text: 'from outside', kind: 0, topic: 'notice' });
    const { topic, from } = await guest.call('receiveData', { text: 'from outside' });
    assert.deepEqual({ topic, from }, { topic: 'notice', from: '' });
  });

  test('who asks for what is not there is told so', async () => {
    await assert.rejects(
      admin.call('getParticipant', { room, identity: 'nobody' }),
      /not_found|participant/,
    );
  });

  test('a participant is removed, and leaving is told', async () => {
    await admin.call('removeParticipant', { room, identity: 'guest' });
    await admin.call('webhook', { event: 'participant_left', room, participant: 'guest' });
    assert.deepEqual(await admin.call('listParticipants', { room }), []);
  });

  test('a room is deleted, and its end is told', async () => {
    await admin.call('deleteRoom', { room });
    await admin.call('webhook', { event: 'room_finished', room });
    assert.deepEqual(await admin.call('listRooms'), []);
  });

  const twirp = (method, body, headers) =>
    fetch(`http://localhost:${server.ports.http}/twirp/livekit.RoomService/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });

  test('JSON callers are served, and refused with typed errors', async () => {
    const bearer = (video) => ({ authorization: `Bearer ${token('admin', video)}` });
    const listed = await twirp('ListRooms', '{}', bearer({ roomList: true }));
    assert.equal(listed.status, 200);
    assert.deepEqual((await listed.json()).rooms ?? [], []);

    const anonymous = await twirp('ListRooms', '{}', {});
    assert.equal(anonymous.status, 401);
    assert.equal((await anonymous.json()).code, 'unauthenticated');

    const powerless = await twirp('ListRooms', '{}', bearer({ roomJoin: true, room: 'x' }));
    assert.equal(powerless.status, 403);
    assert.equal((await powerless.json()).code, 'permission_denied');

    const malformed = await twirp('CreateRoom', '{"name":', bearer({ roomCreate: true }));
    assert.equal(malformed.status, 400);
    assert.equal((await malformed.json()).code, 'malformed');

    const moved = await twirp(
      'MoveParticipant',
      '{"room":"x","identity":"y","destinationRoom":"z"}',
      bearer({ roomAdmin: true, room: 'x', destinationRoom: 'z' }),
    );
    assert.equal(moved.status, 501);
    assert.equal((await moved.json()).code, 'unimplemented');
  });
});
