import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Netsim } from './support/netsim';
import {
  type Experience,
  expect,
  experience,
  meet,
  OPEN_ROAD,
  type Pair,
  settle,
  talk,
  test,
  tunnel,
  way,
} from './support/network';
import { artifacts } from './support/server.mjs';

const SECONDS = 30;

/** What is between the viewer and the server, and what is between the speaker and the server. */
const NETWORKS = [
  { name: 'clean', viewer: 'both clear', speaker: 'both clear' },
  {
    name: '5 % lost to the viewer, 100 ms',
    viewer: 'both delay=50ms loss=5%',
    speaker: 'both clear',
  },
  {
    name: '10 % lost to the viewer, 100 ms',
    viewer: 'both delay=50ms loss=10%',
    speaker: 'both clear',
  },
  {
    name: '5 % lost from the speaker, 100 ms',
    viewer: 'both clear',
    speaker: 'both delay=50ms loss=5%',
  },
  {
    name: '10 % lost from the speaker, 100 ms',
    viewer: 'both clear',
    speaker: 'both delay=50ms loss=10%',
  },
  {
    name: '10 % lost on both, 50 ms each',
    viewer: 'both delay=25ms loss=10%',
    speaker: 'both delay=25ms loss=10%',
  },
  {
    name: '5 % lost to the viewer in bursts of four, 100 ms',
    viewer: 'both delay=50ms bursts=1.3%/25%',
    speaker: 'both clear',
  },
  {
    name: '30 ms of jitter to the viewer, in order, 100 ms',
    viewer: 'both delay=50ms jitter=30ms reorder=no',
    speaker: 'both clear',
  },
];

const percent = (share: number) => (100 * share).toFixed(1);

function row(name: string, quality: Experience): string {
  const cells = [
    name,
    percent(quality.concealed),
    quality.longestSilenceMs,
    percent(quality.frozen),
    quality.longestStillMs,
    quality.framesPerSecond.toFixed(1),
    quality.height,
    Math.round(quality.jitterBufferMs),
    percent(quality.disturbed),
  ];
  return `| ${cells.join(' | ')} |`;
}

async function report(name: string, lines: string[], data: unknown): Promise<void> {
  const text = `${lines.join('\n')}\n`;
  await writeFile(join(artifacts, `${name}.md`), text);
  await writeFile(join(artifacts, `${name}.json`), `${JSON.stringify(data, undefined, 1)}\n`);
  process.stdout.write(text);
}

/** What else the machine was doing to the figures. */
async function lateness(netsim: Netsim): Promise<string> {
  const { udp } = await netsim.stats();
  return `The relay itself was ${udp.late_mean_ms.toFixed(1)} ms late on average and ${udp.late_max_ms.toFixed(0)} ms at most.`;
}

test('what a viewer has of a speaker on bad networks', async ({ arrive, room, netsim }) => {
  const pair: Pair = await meet(arrive, room, 'busy');
  await settle(pair);
  const { port: viewer } = await way(pair.viewer, netsim);
  const { port: speaker } = await way(pair.speaker, netsim);
  const lines = [
    '| network | sound made up, % | longest silence, ms | picture frozen, % | longest still, ms | pictures a second | lines | sound waits, ms | disturbed, % |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
  const data: Record<string, Experience> = {};
  for (const network of NETWORKS) {
    await netsim.ask(`only ${viewer} both clear`);
    await netsim.ask(`only ${speaker} both clear`);
    await talk(10);
    await netsim.ask(`only ${viewer} ${network.viewer}`);
    await netsim.ask(`only ${speaker} ${network.speaker}`);
    await talk(5);
    const quality = await experience(pair, SECONDS);
    data[network.name] = quality;
    lines.push(row(network.name, quality));
  }
  lines.push('', await lateness(netsim));
  await report('network', lines, data);
  expect(Object.keys(data)).toHaveLength(NETWORKS.length);
});

test('what a tunnel does to a viewer: 4, 0.5 and again 4 Mbit/s', async ({
  arrive,
  room,
  netsim,
}) => {
  const pair = await meet(arrive, room, 'busy');
  const { port } = await way(pair.viewer, netsim);
  const lines = [
    '| run | longest still, ms | sound made up, % | longest silence, ms | queue at most, ms | over 200 ms, s | full again after, s | longest still behind, ms | disturbed, % |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
  const runs = [];
  for (let run = 1; run <= 3; run += 1) {
    for (const part of OPEN_ROAD) await netsim.ask(`only ${port} ${part}`);
    await settle(pair);
    await talk(5);
    const result = await tunnel(pair, netsim, 20);
    runs.push(result);
    const cells = [
      run,
      result.inside.longestStillMs,
      percent(result.inside.concealed),
      result.inside.longestSilenceMs,
      Math.round(result.queue.longestMs),
      (result.queue.overMs / 1_000).toFixed(1),
      result.backMs === undefined ? 'never' : (result.backMs / 1_000).toFixed(1),
      result.after.longestStillMs,
      percent(Math.max(result.inside.disturbed, result.after.disturbed)),
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  lines.push('', await lateness(netsim));
  await report('tunnel', lines, runs);
  expect(runs).toHaveLength(3);
});
