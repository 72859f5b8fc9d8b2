// PyPI's livekit, npm's @livekit/rtc-node and a page with livekit-client meet in one room, on each signalling path.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Server } from '../../web/e2e/support/server.mjs';
import { browserPeer, nodePeer, pythonPeer } from '../support/peers.mjs';
import { joinToken } from '../support/token.mjs';

/** Which path each kind of peer takes: v1 is the single peer connection, v0 the pair. */
const MEETINGS = {
  v1: { python: 'v1', node: 'v1', browser: 'v1' },
  v0: { python: 'v0', node: 'v0', browser: 'v0' },
  mixed: { python: 'v0', node: 'v1', browser: 'v1' },
};
const LUMA = { python: 50, node: 120, browser: 200 };

let server;
before(async () => {
  server = await Server.start({ name: 'interop-media' });
});
after(async () => {
  await server?.stop();
});

for (const [meeting, paths] of Object.entries(MEETINGS)) {
  describe(`meeting on ${meeting}`, () => {
    let peers = [];
    const pairs = () =>
      peers.flatMap((from) => peers.filter((to) => to !== from).map((to) => [from, to]));
    /** Runs one exchange for every ordered pair at once and names the pair that fails. */
    const everyPair = async (exchange) => {
      const outcomes = await Promise.allSettled(pairs().map(([from, to]) => exchange(from, to)));
      const faults = outcomes.flatMap((outcome, index) => {
        const [from, to] = pairs()[index];
        return outcome.status === 'rejected'
          ? [`${from.kind} → ${to.kind}: ${outcome.reason.message}`]
          : [];
      });
      assert.deepEqual(faults, []);
    };

    before(async () => {
      peers = [pythonPeer(), nodePeer(), await browserPeer()];
      const url = `ws://localhost:${server.ports.http}`;
      for (const peer of peers) {
        await peer.call('connect', {
          url,
          token: joinToken(peer.kind, `interop-${meeting}`),
          path: paths[peer.kind],
        });
      }
      for (const peer of peers) await peer.call('waitForOthers', { count: 2 });
    });
    after(async () => {
      await Promise.all(peers.map((peer) => peer.close()));
    });

    test('everybody hears everybody', async () => {
      await Promise.all(peers.map((peer) => peer.call('publishAudio')));
      await everyPair((from, to) => to.call('hear', { from: from.kind }));
    });

    test('everybody sees everybody, and not somebody else', async () => {
      await Promise.all(peers.map((peer) => peer.call('publishVideo', { luma: LUMA[peer.kind] })));
      await everyPair(async (from, to) => {
        const { frames, luma } = await to.call('see', { from: from.kind });
        assert.ok(frames >= 10);
        assert.ok(
          Math.abs(luma - LUMA[from.kind]) < 20,
          `luma ${luma} instead of ${LUMA[from.kind]}`,
        );
      });
    });

    test('reliable data arrives with its sender and topic', async () => {
      for (const peer of peers) {
        await peer.call('sendData', {
          text: `reliable from ${peer.kind}`,
          reliable: true,
          topic: 'greeting',
        });
      }
      await everyPair(async (from, to) => {
        const { from: sender, topic } = await to.call('receiveData', {
          text: `reliable from ${from.kind}`,
        });
        assert.deepEqual({ sender, topic }, { sender: from.kind, topic: 'greeting' });
      });
    });

    test('lossy data arrives', async () => {
      for (const peer of peers) {
        await peer.call('sendData', {
          text: `lossy from ${peer.kind}`,
          reliable: false,
          topic: 'greeting',
        });
      }
      await everyPair(async (from, to) => {
        const { from: sender } = await to.call('receiveData', { text: `lossy from ${from.kind}` });
        assert.equal(sender, from.kind);
      });
    });

    test('remote procedures are called and answered', async () => {
      await everyPair(async (from, to) => {
        const payload = `${from.kind} calls ${to.kind}`;
        const answer = await from.call('callRpc', { to: to.kind, method: 'reverse', payload });
        assert.equal(answer, [...payload].reverse().join(''));
      });
    });

    test('a procedure that nobody offers is refused, not left hanging', async () => {
      await everyPair(async (from, to) => {
        await assert.rejects(
          from.call('callRpc', { to: to.kind, method: 'missing', payload: '' }),
          /not supported|unsupported/i,
        );
      });
    });

    test('attributes reach everybody', async () => {
      await Promise.all(
        peers.map((peer) =>
          peer.call('setAttributes', { attributes: { colour: `${peer.kind} blue` } }),
        ),
      );
      await everyPair((from, to) =>
        to.call('waitForAttribute', { from: from.kind, key: 'colour', value: `${from.kind} blue` }),
      );
    });

    test('text streams arrive whole, also when they take several packets', async () => {
      const text = (peer) => `${peer.kind}: ${'lorem ipsum '.repeat(4000)}`;
      await Promise.all(peers.map((peer) => peer.call('sendText', { text: text(peer) })));
      await everyPair(async (from, to) => {
        const { from: sender } = await to.call('receiveText', { text: text(from) });
        assert.equal(sender, from.kind);
      });
    });

    test('muting is told to everybody', async () => {
      // @livekit/rtc-node cannot mute its own track, but it must learn of the others'.
      const able = peers.filter((peer) => peer.kind !== 'node');
      for (const muted of [true, false]) {
        await Promise.all(able.map((peer) => peer.call('mute', { kind: 'audio', muted })));
        await everyPair(async (from, to) => {
          if (!able.includes(from)) return;
          await to.call('waitForMuted', { from: from.kind, kind: 'audio', muted });
        });
      }
    });

    test('who comes late gets what is published', async () => {
      const late = nodePeer();
      try {
        const url = `ws://localhost:${server.ports.http}`;
        await late.call('connect', {
          url,
          token: joinToken('late', `interop-${meeting}`),
          path: paths.node,
        });
        await late.call('waitForOthers', { count: 3 });
        for (const peer of peers) {
          await late.call('hear', { from: peer.kind });
          await late.call('see', { from: peer.kind });
        }
      } finally {
        await late.close();
      }
      for (const peer of peers) await peer.call('waitForOthers', { count: 2 });
    });
  });
}
