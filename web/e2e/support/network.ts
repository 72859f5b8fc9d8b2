import { basename } from 'node:path';
import { expect } from 'vitest';
import { cameraFile } from './barcode';
import { type Arrive, test as base } from './meeting';
import { Netsim } from './netsim';
import { type Person, SOON } from './person';
import { disturbance, judge, LOOK, type Quality, seen, watch } from './quality';
import { freePorts, type Ports, Server } from './server.mjs';
import { busyCamera, steadyVoice } from './studio';

export { expect };

/** Lines of a busy camera's picture. */
const LINES = 720;

/** What a viewer had, and how much of that the machine may have done. */
export interface Experience extends Quality {
  /** The larger share of the time that a busy machine took from either of the two. */
  disturbed: number;
}

/** Whether the machine was too busy for a quality to say something about the network. */
export function unfair(experience: Experience): boolean {
  return experience.disturbed > 0.05;
}

/** A network between everybody and the server of a file. */
interface World {
  netsim: Netsim;
  ports: Ports;
}

/** A test whose server is reached through an emulated network, and by no other way. */
export const test = base.extend<{ world: World; server: Server; netsim: Netsim }>({
  world: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner reads the wanted fixtures from this pattern
    async ({}, use) => {
      const ports = { ...(await freePorts()), tcp: 0 };
      const netsim = await Netsim.start(ports.udp, ['--seed', '12']);
      await use({ netsim, ports });
      await netsim.stop();
    },
    { scope: 'file' },
  ],
  server: [
    async ({ world }, use) => {
      const name = basename(expect.getState().testPath ?? 'some');
      const media = [
        'bind = "127.0.0.1"',
        'workers = 1',
        `advertised = ["127.0.0.1:${world.netsim.port}/127.0.0.1"]`,
      ];
      const server = await Server.start({ name, ports: world.ports, media: media.join('\n') });
      await use(server);
      await server.stop();
    },
    { scope: 'file' },
  ],
  netsim: async ({ world }, use) => use(world.netsim),
});

/** Somebody who speaks and shows, and somebody who watches, each on a network of their own. */
export interface Pair {
  speaker: Person;
  viewer: Person;
}

/**
 * Lets two people in over a perfect network and waits until the viewer hears and sees.
 *
 * The speaker's camera sends 360 lines, or with `busy` 720 that take all the bitrate they get.
 */
export async function meet(arrive: Arrive, room: string, camera: 'light' | 'busy'): Promise<Pair> {
  const file = camera === 'busy' ? busyCamera() : cameraFile(1);
  const plays = { camera: await file, microphone: await steadyVoice() };
  const speaker = await arrive({ name: 'Ana', plays, hidden: true });
  await speaker.join(room);
  const viewer = await arrive({ name: 'Boris', devices: 'none', hidden: true });
  await viewer.join(room);
  await viewer.hears(1);
  await Promise.all([watch(viewer.page), watch(speaker.page)]);
  const pictures = async () => (await seen(viewer.page)).at(-1)?.framesDecoded ?? 0;
  await expect.poll(pictures, { timeout: SOON, interval: 250 }).toBeGreaterThan(20);
  return { speaker, viewer };
}

/** Waits until the viewer has had the whole picture for some seconds; gives what they had until then. */
export async function settle(pair: Pair): Promise<Experience & { settled: boolean }> {
  const from = Date.now();
  const whole = async () => {
    const last = (await seen(pair.viewer.page)).slice(-3_000 / LOOK);
    return last.every((sample) => sample.height === LINES);
  };
  let settled = false;
  while (!settled && Date.now() - from < 40_000) {
    await talk(1);
    settled = await whole();
  }
  return { ...(await recall(pair))(from, Date.now()), settled };
}

/** The way a person's media takes. */
interface Way {
  /** The person's port as the server sees it, which is how the network knows them. */
  port: number;
  /** Seconds there and back, as the browser's last check found. */
  roundTrip: number;
}

/** The way of a person's media; fails where it does not lead through the network. */
export async function way(person: Person, netsim: Netsim): Promise<Way> {
  const found = await person.page.evaluate(async () => {
    const scope = window as unknown as { __connections: RTCPeerConnection[] };
    for (const connection of scope.__connections) {
      const stats = await connection.getStats();
      const transport = [...stats.values()].find((entry) => entry.selectedCandidatePairId);
      const pair = transport && stats.get(transport.selectedCandidatePairId);
      if (!pair) continue;
      return {
        port: stats.get(pair.localCandidateId)?.port as number,
        remote: stats.get(pair.remoteCandidateId)?.port as number,
        roundTrip: pair.currentRoundTripTime as number,
      };
    }
    return undefined;
  });
  expect(found?.remote, 'media goes through the emulated network').toBe(netsim.port);
  return { port: found?.port ?? 0, roundTrip: found?.roundTrip ?? 0 };
}

/** Waits while people talk; media time cannot be hurried. */
export function talk(seconds: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, seconds * 1_000));
}

/** What the viewer has of the speaker in the next `seconds`. */
export async function experience(pair: Pair, seconds: number): Promise<Experience> {
  const from = Date.now();
  await talk(seconds);
  return (await recall(pair))(from, Date.now());
}

/** Everything that was seen, as a function from two moments to what the viewer had between them. */
async function recall(pair: Pair): Promise<(from: number, to: number) => Experience> {
  const [viewer, speaker] = await Promise.all([seen(pair.viewer.page), seen(pair.speaker.page)]);
  return (from, to) => ({
    ...judge(viewer, from, to),
    disturbed: Math.max(disturbance(viewer, from, to), disturbance(speaker, from, to)),
  });
}

/** How a queue at a bottleneck behaved. */
export interface QueueWatch {
  longestMs: number;
  /** Time in which packets waited longer than 200 ms, to within a look. */
  overMs: number;
}

/** Watches the queue towards a client for some time. */
export async function watchQueue(
  netsim: Netsim,
  port: number,
  seconds: number,
): Promise<QueueWatch> {
  const waits: { at: number; wait: number }[] = [];
  const recent = async () => {
    const { udp } = await netsim.stats();
    return udp.clients.find((client) => client.relay_port === port)?.down.recent_wait_ms ?? 0;
  };
  await recent();
  const started = Date.now();
  while (Date.now() - started < seconds * 1_000) {
    const before = Date.now();
    await talk(LOOK / 1_000);
    waits.push({ at: Date.now() - before, wait: await recent() });
  }
  return {
    longestMs: Math.max(...waits.map((look) => look.wait)),
    overMs: waits.filter((look) => look.wait > 200).reduce((sum, look) => sum + look.at, 0),
  };
}

/** What a downlink that goes from 4 Mbit/s to 0.5 and back does to a viewer. */
export interface Tunnel {
  inside: Experience;
  after: Experience;
  queue: QueueWatch;
  /** Milliseconds from the end of the tunnel to the full picture; undefined when it did not come. */
  backMs: number | undefined;
}

/** What is before and behind a tunnel. */
export const OPEN_ROAD = ['both delay=25ms', 'down rate=4M queue=1s'];

/** Leads a viewer who has settled on the open road through a tunnel and out again. */
export async function tunnel(pair: Pair, netsim: Netsim, seconds: number): Promise<Tunnel> {
  const { port } = await way(pair.viewer, netsim);
  const entered = Date.now();
  await netsim.ask(`only ${port} down rate=500k`);
  const queue = await watchQueue(netsim, port, seconds);
  const left = Date.now();
  await netsim.ask(`only ${port} down rate=4M`);
  await talk(seconds);
  const experienced = await recall(pair);
  const samples = await seen(pair.viewer.page);
  const back = samples.find((sample) => sample.at >= left && sample.height === LINES);
  return {
    inside: experienced(entered, left),
    after: experienced(left, Date.now()),
    queue,
    backMs: back && Math.round(back.at - left),
  };
}
