import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from './support/meeting';
import { artifacts } from './support/server.mjs';

const JOINS = 20;

test('from the click on "Join meeting" to the first frame of somebody else', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana', person: 1 });
  await ana.join(room);
  const identity = await ana.identity();
  const boris = await arrive({ name: 'Boris', person: 2 });
  const times: number[] = [];
  for (let round = 0; round < JOINS; round += 1) {
    await boris.openPreJoin(room);
    await boris.page.getByRole('textbox', { name: 'Your name' }).fill('Boris');
    // Everything is measured in the page: its click, and the first frame painted in the other's tile.
    const elapsed = await boris.page.evaluate(
      (who) =>
        new Promise<number>((resolve, reject) => {
          const timer = setTimeout(() => reject(new Error('no frame in 30 s')), 30_000);
          const started = performance.now();
          const watched = new WeakSet<Element>();
          const look = () => {
            const tile = `[data-testid=tile][data-identity="${who}"] video`;
            for (const video of document.querySelectorAll<HTMLVideoElement>(tile)) {
              if (watched.has(video)) continue;
              watched.add(video);
              video.requestVideoFrameCallback((now) => {
                clearTimeout(timer);
                observer.disconnect();
                resolve(now - started);
              });
            }
          };
          const observer = new MutationObserver(look);
          observer.observe(document.body, { childList: true, subtree: true });
          const buttons = [...document.querySelectorAll('button')];
          buttons.find((button) => button.textContent?.includes('Join meeting'))?.click();
        }),
      identity,
    );
    times.push(elapsed);
    await boris.waitInCall();
    await boris.leave();
    await ana.waitForOthers(0);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) =>
    Math.round(times[Math.min(times.length - 1, Math.ceil(share * times.length) - 1)] ?? 0);
  const figures = { joins: times.length, p50Ms: at(0.5), p95Ms: at(0.95), maxMs: at(1) };
  await writeFile(join(artifacts, 'first-frame.json'), `${JSON.stringify(figures)}\n`);
  process.stdout.write(`click to first remote frame: ${JSON.stringify(figures)}\n`);
  expect(figures.p95Ms).toBeGreaterThan(0);
});
