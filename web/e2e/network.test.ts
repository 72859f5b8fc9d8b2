import {
  expect,
  experience,
  meet,
  OPEN_ROAD,
  settle,
  test,
  tunnel,
  unfair,
  way,
} from './support/network';

// Bounds are generous: they hold on a busy machine, and one that is too busy is found out rather than judged. What
// disturbs one run is gone in the next, so that the better of several counts.
// The figures themselves are taken by `--mode figures`.
const BUSY = 'the machine was too busy to measure a network';
const ATTEMPTS = { retry: 2 };

test(
  'on a good network nothing is made up and nothing stands still',
  ATTEMPTS,
  async ({ arrive, room, netsim, skip }) => {
    const pair = await meet(arrive, room, 'light');
    await way(pair.speaker, netsim);
    await way(pair.viewer, netsim);
    const quality = await experience(pair, 8);
    skip(unfair(quality), BUSY);
    expect(quality.concealed).toBeLessThan(0.02);
    expect(quality.frozen).toBeLessThan(0.05);
    expect(quality.framesPerSecond).toBeGreaterThan(10);
    expect(quality.longestSilenceMs).toBeLessThan(500);
  },
);

for (const [loss, concealed, frozen] of [
  [5, 0.03, 0.08],
  [10, 0.04, 0.25],
] as const) {
  test(
    `with ${loss} % of packets lost and 100 ms there and back, people follow the talk`,
    ATTEMPTS,
    async ({ arrive, room, netsim, skip }) => {
      const pair = await meet(arrive, room, 'light');
      const { port } = await way(pair.viewer, netsim);
      await netsim.ask(`only ${port} both delay=50ms loss=${loss}%`);
      await experience(pair, 3);
      const quality = await experience(pair, 12);
      const { udp } = await netsim.stats();
      const down = udp.clients.find((client) => client.relay_port === port)?.down;
      expect(down?.lost).toBeGreaterThan(20);
      expect((await way(pair.viewer, netsim)).roundTrip).toBeGreaterThanOrEqual(0.1);
      skip(unfair(quality), BUSY);
      expect(quality.concealed).toBeLessThan(concealed);
      expect(quality.frozen).toBeLessThan(frozen);
      expect(quality.framesPerSecond).toBeGreaterThan(5);
    },
  );
}

test(
  'in a tunnel of 0.5 Mbit/s the talk goes on, and behind it the picture is whole again',
  ATTEMPTS,
  async ({ arrive, room, netsim, skip }) => {
    const pair = await meet(arrive, room, 'busy');
    const { port } = await way(pair.viewer, netsim);
    for (const part of OPEN_ROAD) await netsim.ask(`only ${port} ${part}`);
    const before = await settle(pair);
    skip(!before.settled && unfair(before), BUSY);
    expect(before.settled, 'the whole picture within 40 s').toBe(true);
    const { inside, after, queue, backMs } = await tunnel(pair, netsim, 20);
    skip(unfair(inside) || unfair(after), BUSY);
    expect(inside.longestStillMs).toBeLessThan(2_500);
    expect(inside.concealed).toBeLessThan(0.15);
    expect(inside.longestSilenceMs).toBeLessThan(1_500);
    expect(queue.overMs).toBeLessThan(4_000);
    expect(after.longestStillMs).toBeLessThan(2_000);
    expect(backMs).toBeLessThan(10_000);
  },
);
