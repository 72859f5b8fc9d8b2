// lib-jitsi-meet as it comes meets itself, in two browsers, and our own kind of client in one room.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Server } from '../../web/e2e/support/server.mjs';
import { browserPeer, jitsiBundle, jitsiPeer } from '../support/peers.mjs';
import { joinToken } from '../support/token.mjs';

const SECRET = 'a secret that only this test has, and knows';
const skip = jitsiBundle
  ? false
  : 'TERTULIA_LJM_BUNDLE does not name a build of lib-jitsi-meet: NOTHING of the real Jitsi client is tested here';
if (skip) process.stderr.write(`jitsi: ${skip}\n`);

let server;
let rooms = 0;
before(async () => {
  if (skip) return;
  const config = `[xmpp]\nenabled = true\n[jwt]\nissuer = "interop"\nsecret = "${SECRET}"\n`;
  server = await Server.start({ name: 'interop-jitsi', config });
});
after(async () => {
  await server?.stop();
});

/** A token in Jitsi's form. */
function jitsiToken(room, { name, moderator }) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: 'interop',
    aud: 'jitsi',
    sub: '*',
    room,
    nbf: now - 5,
    exp: now + 600,
    context: { user: { id: name.toLowerCase(), name, moderator } },
  };
  const body = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${body}.${createHmac('sha256', SECRET).update(body).digest('base64url')}`;
}

/** People in a room of their own, whose browsers are closed at the end of `story`. */
async function inRoom(story) {
  rooms += 1;
  const room = `jitsi-${rooms}`;
  const peers = [];
  const connected = async (options) => {
    const peer = await jitsiPeer(server.origin, options);
    peers.push(peer);
    await peer.call('connect', { room, token: options?.token, config: options?.config });
    return peer;
  };
  const joined = async (name, options = {}) => {
    const peer = await connected(options);
    const { role } = await peer.call('join', { room, name, password: options.password });
    return Object.assign(peer, { name, role });
  };
  try {
    await story({ room, connected, joined, peers });
  } finally {
    await Promise.all(peers.map((peer) => peer.close()));
  }
}

/** Everybody hears and sees everybody. */
async function meet(peers) {
  for (const peer of peers) {
    for (const other of peers.filter((one) => one !== peer)) {
      await peer.call('hear', { from: other.name });
      await peer.call('see', { from: other.name });
    }
  }
}

describe('the Jitsi client', { skip }, () => {
  for (const [others, options] of [
    ['Chromium', {}],
    ['Firefox', { engine: 'firefox' }],
    ['Chromium, a stream for each source', { config: { flags: { ssrcRewritingEnabled: false } } }],
  ]) {
    test(`three people: ${others}`, async () => {
      await inRoom(async ({ joined }) => {
        const ana = await joined('Ana');
        const bela = await joined('Bela', options);
        await meet([ana, bela]);
        assert.deepEqual([ana.role, bela.role], ['moderator', 'participant']);
        const cleo = await joined('Cleo', options);
        await meet([ana, bela, cleo]);
        await bela.call('leave');
        await ana.call('waitForOthers', { count: 1 });
      });
    });
  }

  test('what is said, shown, muted and raised reaches the other', async () => {
    await inRoom(async ({ joined }) => {
      const ana = await joined('Ana');
      const bela = await joined('Bela');
      await meet([ana, bela]);

      await ana.call('say', { text: 'Who brings coffee?' });
      const { from } = await bela.call('waitForChat', { text: 'Who brings coffee?' });
      assert.equal(from, 'Ana');
      await ana.call('whisper', { to: 'Bela', text: 'You do' });
      await bela.call('waitForWhisper', { text: 'You do' });
      await ana.call('sendPayload', { payload: { kind: 'greeting' } });
      await bela.call('waitForPayload', { key: 'kind', value: 'greeting' });

      for (const kind of ['audio', 'video']) {
        for (const muted of [true, false]) {
          await ana.call('mute', { kind, muted });
          await bela.call('waitForMuted', { from: 'Ana', kind, muted });
        }
      }
      await bela.call('see', { from: 'Ana' });
      for (const raised of [true, false]) {
        await ana.call('raiseHand', { raised });
        await bela.call('waitForHand', { from: 'Ana', raised });
      }

      // Sharing ends and begins again; the other sees it each time.
      for (const _ of [1, 2]) {
        await ana.call('shareScreen');
        await bela.call('see', { from: 'Ana', screen: true });
        await bela.call('see', { from: 'Ana' });
        await ana.call('stopScreen');
        await bela.call('waitForNoScreen', { from: 'Ana' });
      }

      // The stream is resumed with what it missed, and the media never noticed.
      await ana.call('cutSignalling');
      await ana.call('say', { text: 'Back again' });
      await bela.call('waitForChat', { text: 'Back again' });
      await bela.call('see', { from: 'Ana' });
    });
  });

  test('moderators mute, hand on their role and remove', async () => {
    await inRoom(async ({ joined }) => {
      const ana = await joined('Ana');
      const bela = await joined('Bela');
      const cleo = await joined('Cleo');
      await meet([ana, bela]);
      for (const kind of ['audio', 'video']) {
        await ana.call('muteOther', { name: 'Bela', kind });
        await bela.call('waitForOwnMute', { kind, muted: true });
      }
      await ana.call('grant', { name: 'Bela' });
      await bela.call('waitForRole', { role: 'moderator' });
      await ana.call('moderateAudio', { on: true });
      await cleo.call('waitForAudioModeration', { on: true });
      await bela.call('kick', { name: 'Cleo' });
      await cleo.call('waitFor', { what: 'kicked' });
      await ana.call('waitForOthers', { count: 1 });
    });
  });

  test('a password is asked for until it is right', async () => {
    await inRoom(async ({ room, joined, connected }) => {
      const ana = await joined('Ana');
      await ana.call('lock', { password: 'sesame' });
      const bela = await connected();
      for (const password of [undefined, 'open']) {
        const join = bela.call('join', { room, name: 'Bela', password });
        await assert.rejects(join, /passwordRequired/);
      }
      await bela.call('join', { room, name: 'Bela', password: 'sesame' });
      await ana.call('waitForOthers', { count: 1 });
    });
  });

  test('who knocks is let in or sent away', async () => {
    await inRoom(async ({ room, joined, connected }) => {
      const ana = await joined('Ana');
      await ana.call('enableLobby');
      const bela = await connected();
      await assert.rejects(bela.call('join', { room, name: 'Bela' }), /membersOnly/);
      const knocked = bela.call('knock', { name: 'Bela' });
      assert.equal(await ana.call('letIn'), 'Bela');
      await knocked;
      await meet([ana, Object.assign(bela, { name: 'Bela' })]);
      const cleo = await connected();
      await assert.rejects(cleo.call('join', { room, name: 'Cleo' }), /membersOnly/);
      const refused = assert.rejects(cleo.call('knock', { name: 'Cleo' }), /accessDenied/);
      await ana.call('sendAway');
      await refused;
    });
  });

  test('two are sent to a breakout room, and one of them back', async () => {
    await inRoom(async ({ joined }) => {
      const ana = await joined('Ana');
      const bela = await joined('Bela');
      const cleo = await joined('Cleo');
      const blue = await ana.call('addBreakout', { name: 'Blue' });
      for (const peer of [bela, cleo]) {
        await ana.call('sendTo', { name: peer.name, jid: blue });
        await peer.call('follow', { name: peer.name });
      }
      await meet([bela, cleo]);
      await ana.call('waitForOthers', { count: 0 });
      await ana.call('sendTo', { name: 'Bela', jid: await ana.call('mainRoom') });
      await bela.call('follow', { name: 'Bela' });
      await meet([ana, bela]);
    });
  });

  test('a token says who moderates', async () => {
    await inRoom(async ({ room, joined }) => {
      const guest = await joined('Gerd', {
        token: jitsiToken(room, { name: 'Gerd', moderator: false }),
      });
      const host = await joined('Hana', {
        token: jitsiToken(room, { name: 'Hana', moderator: true }),
      });
      assert.equal(host.role, 'moderator');
      await host.call('kick', { name: guest.name });
      await guest.call('waitFor', { what: 'kicked' });
    });
  });

  test('somebody of our own door is one of them', async () => {
    await inRoom(async ({ room, joined }) => {
      const ana = await joined('Ana');
      const web = await browserPeer();
      try {
        const url = `ws://localhost:${server.ports.http}`;
        await web.call('connect', { url, token: joinToken('web', room), path: 'v1' });
        await web.call('publishAudio');
        await web.call('publishVideo', { luma: 120 });
        await ana.call('waitForName', { name: 'web' });
        await ana.call('hear', { from: 'web' });
        await ana.call('see', { from: 'web' });
        const bela = await joined('Bela');
        await bela.call('see', { from: 'web' });
        const identities = await web.call('identities');
        assert.equal(identities.length, 2);
        for (const from of identities) {
          await web.call('hear', { from });
          await web.call('see', { from });
        }
        await ana.call('mute', { kind: 'audio', muted: true });
        const muted = { from: await ana.call('identity'), kind: 'audio', muted: true };
        await web.call('waitForMuted', muted);
      } finally {
        await web.close();
      }
    });
  });
});
