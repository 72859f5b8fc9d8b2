// npm's @xmpp/client walks the stanza sequences of a Jitsi client against the binary, and its error cases.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { client, xml } from '@xmpp/client';
import WebSocket from 'ws';
import { Server } from '../../web/e2e/support/server.mjs';
import { joinToken } from '../support/token.mjs';

// The client takes the WebSocket of browsers, which this version of Node may not have.
globalThis.WebSocket ??= WebSocket;

const DOMAIN = 'meet.jitsi';
const PATIENCE_MS = 10_000;
const MUC = 'http://jabber.org/protocol/muc';
const MUC_USER = `${MUC}#user`;
const NICK = 'http://jabber.org/protocol/nick';
const DISCO = 'http://jabber.org/protocol/disco#info';

let server;
/** Every test has a room of its own: who moderated the last one may yet come back to it. */
let ROOM;
let rooms = 0;
const streams = [];
before(async () => {
  server = await Server.start({ name: 'interop-xmpp', config: '[xmpp]\nenabled = true\n' });
});
beforeEach(() => {
  rooms += 1;
  ROOM = `weekly-${rooms}@conference.${DOMAIN}`;
});
afterEach(async () => {
  await Promise.all(streams.splice(0).map((stream) => stream.xmpp.stop()));
});
after(async () => {
  await server?.stop();
});

/** One client with everything it was sent and has not been asked for yet. */
class Stream {
  constructor(query = '') {
    this.heard = [];
    this.waiting = [];
    this.xmpp = client({
      service: `ws://localhost:${server.ports.http}/xmpp-websocket?room=weekly${query}`,
      domain: DOMAIN,
    });
    this.xmpp.reconnect.stop();
    this.xmpp.on('stanza', (stanza) => {
      const waiting = this.waiting.find(({ wanted }) => wanted(stanza));
      if (!waiting) return this.heard.push(stanza);
      this.waiting.splice(this.waiting.indexOf(waiting), 1);
      waiting.resolve(stanza);
    });
    this.xmpp.on('error', (error) => {
      this.error = error;
    });
  }

  async start() {
    streams.push(this);
    this.jid = await this.xmpp.start();
    this.nick = this.jid.local.slice(0, 8);
    return this;
  }

  /** The first stanza, heard before or from now on, that is wanted. */
  expect(what, wanted) {
    const place = this.heard.findIndex(wanted);
    if (place >= 0) return this.heard.splice(place, 1)[0];
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${what} did not come; heard ${this.heard.join('\n')}`)),
        PATIENCE_MS,
      );
      this.waiting.push({
        wanted,
        resolve: (stanza) => {
          clearTimeout(timer);
          resolve(stanza);
        },
      });
    });
  }

  async ask(type, to, child) {
    const id = Math.random().toString(36).slice(2);
    await this.xmpp.send(xml('iq', { type, to, id }, child));
    return this.expect(
      `the answer of ${to}`,
      (stanza) => stanza.is('iq') && stanza.attrs.id === id,
    );
  }

  async present(room, name, more = []) {
    const to = `${room}/${this.nick}`;
    await this.xmpp.send(xml('presence', { to }, ...more, xml('nick', { xmlns: NICK }, name)));
  }

  async join(name, { room = ROOM, password } = {}) {
    const inside = password ? [xml('password', {}, password)] : [];
    await this.present(room, name, [
      xml('x', { xmlns: MUC }, ...inside),
      xml('stats-id', {}, 'Veronica-io0'),
      xml('SourceInfo', {}, '{}'),
      xml('jitsi_participant_codecList', {}, 'vp8'),
    ]);
    await this.expect('the own presence', (stanza) => own(stanza, '110'));
    return this.expect(
      'the end of the welcome',
      (stanza) => stanza.is('message') && stanza.getChild('subject'),
    );
  }

  async sayToAll(text, id) {
    await this.xmpp.send(
      xml('message', { to: ROOM, type: 'groupchat', id }, xml('body', {}, text)),
    );
  }
}

const own = (stanza, code) =>
  stanza.is('presence') &&
  stanza
    .getChild('x', MUC_USER)
    ?.getChildren('status')
    .some((status) => status.attrs.code === code);
const from =
  (who, name = 'presence') =>
  (stanza) =>
    stanza.is(name) && stanza.attrs.from === `${ROOM}/${who}`;
const refusal = (stanza) => stanza.getChild('error')?.children[0]?.name;

test('the whole way, from the stream to the farewell', async () => {
  const ana = await new Stream().start();
  assert.match(ana.jid.toString(), /^[0-9a-f]{8}-[0-9a-f-]{27}@meet\.jitsi\//);
  const info = await ana.ask('get', DOMAIN, xml('query', { xmlns: DISCO }));
  const features = info
    .getChild('query')
    .getChildren('feature')
    .map((feature) => feature.attrs.var);
  assert.ok(features.includes('urn:xmpp:ping'));
  const services = await ana.ask('get', DOMAIN, xml('services', { xmlns: 'urn:xmpp:extdisco:2' }));
  assert.equal(services.attrs.type, 'result');

  const focus = 'http://jitsi.org/protocol/focus';
  const ready = await ana.ask(
    'set',
    `focus.${DOMAIN}`,
    xml('conference', { xmlns: focus, room: ROOM, 'machine-uid': 'm' }, [
      xml('property', { name: 'rtcstatsEnabled', value: 'false' }),
    ]),
  );
  const conference = ready.getChild('conference');
  assert.equal(conference.attrs.ready, 'true');
  assert.equal(conference.attrs.focusjid, `focus@auth.${DOMAIN}`);
  const posted = await fetch(`${server.origin}/conference-request/v1`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ room: ROOM, machineUid: 'm', properties: {} }),
  });
  assert.equal((await posted.json()).ready, true);

  await ana.join('Ana');
  const seen = await ana.expect('the focus', from('focus'));
  assert.equal(seen.getChild('x', MUC_USER).getChild('item').attrs.role, 'moderator');
  const room = await ana.ask('get', ROOM, xml('query', { xmlns: DISCO }));
  const fields = room.getChild('query').getChild('x', 'jabber:x:data').getChildren('field');
  assert.ok(fields.some((field) => field.attrs.var === 'muc#roominfo_meetingId'));

  // The second is seen, and both are invited to a session of the focus.
  const bob = await new Stream().start();
  await bob.join('Bob');
  await ana.expect('Bob', from(bob.nick));
  await bob.expect('Ana', from(ana.nick));
  for (const stream of [ana, bob]) {
    const asked = await stream.expect(
      'the question for features',
      (stanza) => stanza.attrs.id === 'focus-features',
    );
    const rewriting = xml('feature', { var: 'http://jitsi.org/ssrc-rewriting-1' });
    const { id, from: to } = asked.attrs;
    await stream.xmpp.send(
      xml('iq', { type: 'result', id, to }, xml('query', { xmlns: DISCO }, rewriting)),
    );
  }
  for (const stream of [ana, bob]) {
    const iq = await stream.expect('the invitation', (stanza) => stanza.getChild('jingle'));
    assert.equal(iq.attrs.from, `${ROOM}/focus`);
    const jingle = iq.getChild('jingle');
    assert.equal(jingle.attrs.action, 'session-initiate');
    assert.deepEqual(
      jingle.getChildren('content').map((content) => content.attrs.name),
      ['audio', 'video'],
    );
    for (const content of jingle.getChildren('content')) {
      const transport = content.getChild('transport');
      assert.match(
        transport.getChild('web-socket').attrs.url,
        /^ws:\/\/localhost:\d+\/colibri-ws\//,
      );
      assert.ok(transport.getChildren('candidate').length > 0);
      assert.ok(content.getChild('description').getChildren('payload-type').length > 1);
    }
    await stream.xmpp.send(xml('iq', { type: 'result', id: iq.attrs.id, to: iq.attrs.from }));
  }

  await ana.present(ROOM, 'Ana', [xml('SourceInfo', {}, '{"x":{"muted":true}}')]);
  const told = await bob.expect(
    'the news',
    (stanza) => from(ana.nick)(stanza) && /muted/.test(stanza.toString()),
  );
  assert.ok(told);
  await ana.expect('the echo', (stanza) => own(stanza, '110') && /muted/.test(stanza.toString()));

  await ana.sayToAll('Good <morning>', 'm1');
  for (const stream of [ana, bob]) {
    const said = await stream.expect('the chat', from(ana.nick, 'message'));
    assert.equal(said.getChildText('body'), 'Good <morning>');
  }
  await bob.xmpp.send(
    xml(
      'message',
      { to: `${ROOM}/${ana.nick}`, type: 'chat', id: 'm2' },
      xml('body', {}, 'only you'),
    ),
  );
  const whispered = await ana.expect('the private message', from(bob.nick, 'message'));
  assert.equal(whispered.attrs.type, 'chat');

  const pong = await ana.ask('get', DOMAIN, xml('ping', { xmlns: 'urn:xmpp:ping' }));
  assert.equal(pong.attrs.type, 'result');
  await bob.xmpp.send(xml('presence', { type: 'unavailable', to: `${ROOM}/${bob.nick}` }));
  const gone = (stanza) => from(bob.nick)(stanza) && stanza.attrs.type === 'unavailable';
  await ana.expect('the farewell', gone);
  await bob.expect('the own farewell', (stanza) => gone(stanza) && own(stanza, '110'));
});

test('a stream that broke is resumed with what it missed', async () => {
  const ana = await new Stream().start();
  await ana.join('Ana');
  assert.ok(ana.xmpp.streamManagement.id, 'the stream may be resumed');
  const bob = await new Stream().start();
  await bob.join('Bob');
  await ana.expect('Bob', from(bob.nick));
  const broke = once(ana.xmpp, 'disconnect');
  ana.xmpp.socket.socket.close();
  await broke;
  await bob.sayToAll('while you were out', 'm1');
  await bob.expect('the chat', from(bob.nick, 'message'));
  const resumed = once(ana.xmpp.streamManagement, 'resumed');
  await ana.xmpp.connect(ana.xmpp.options.service);
  await ana.xmpp.open({ domain: DOMAIN });
  await resumed;
  const missed = await ana.expect('what was missed', from(bob.nick, 'message'));
  assert.equal(missed.getChildText('body'), 'while you were out');
  assert.ok(
    !bob.heard.some((stanza) => from(ana.nick)(stanza) && stanza.attrs.type === 'unavailable'),
  );
});

test('what may not be is refused as clients understand it', async () => {
  const ana = await new Stream().start();
  await ana.join('Ana');
  const owner = `${MUC}#owner`;
  const submit = xml('query', { xmlns: owner }, [
    xml('x', { xmlns: 'jabber:x:data', type: 'submit' }, [
      xml('field', { var: 'muc#roomconfig_roomsecret' }, xml('value', {}, 'tertulia')),
    ]),
  ]);
  assert.equal((await ana.ask('set', ROOM, submit)).attrs.type, 'result');

  const bob = await new Stream().start();
  const error = (stanza) => stanza.is('presence') && stanza.attrs.type === 'error';
  const knock = async (nick, ...inside) => {
    await bob.xmpp.send(
      xml('presence', { to: `${ROOM}/${nick}` }, xml('x', { xmlns: MUC }, ...inside)),
    );
    return refusal(await bob.expect('the refusal', error));
  };
  assert.equal(await knock(bob.nick), 'not-authorized');
  assert.equal(await knock(bob.nick, xml('password', {}, 'wrong')), 'not-authorized');
  assert.equal(await knock('focus'), 'not-acceptable');
  await bob.join('Bob', { password: 'tertulia' });

  const admin = (who) =>
    xml(
      'query',
      { xmlns: `${MUC}#admin` },
      xml('item', { nick: who, role: 'none' }, xml('reason', {}, 'x')),
    );
  assert.equal(refusal(await bob.ask('set', ROOM, admin(ana.nick))), 'forbidden');
  assert.equal((await ana.ask('set', ROOM, admin(bob.nick))).attrs.type, 'result');
  await bob.expect('the kick', (stanza) => own(stanza, '307'));
  assert.equal(refusal(await bob.ask('get', 'example.org', xml('nothing'))), 'service-unavailable');
});

test('tokens open their room and no other', async () => {
  const ana = await new Stream(`&token=${joinToken('ana', ROOM.split('@')[0])}`).start();
  await ana.join('Ana');
  const elsewhere = `elsewhere@conference.${DOMAIN}`;
  await ana.xmpp.send(
    xml('presence', { to: `${elsewhere}/${ana.nick}` }, xml('x', { xmlns: MUC })),
  );
  const refused = await ana.expect('the refusal', (stanza) => stanza.attrs.type === 'error');
  assert.equal(refusal(refused), 'not-allowed');
  const forged = new Stream('&token=nonsense');
  await assert.rejects(forged.xmpp.start());
  await forged.xmpp.stop();
});
