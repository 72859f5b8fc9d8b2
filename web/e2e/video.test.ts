import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { faults } from './support/axe';
import { Person, SOON, scratch } from './support/person';
import { artifacts, Server } from './support/server.mjs';

const run = promisify(execFile);
const lengthS = 120;

let server: Server;
/** Another place, which has a film. */
let place: { origin: string; asked: number; stop(): Promise<void> };
const people: Person[] = [];

async function startPlace(film: Buffer) {
  const listener = createServer((request, answer) => {
    place.asked += 1;
    const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
    const last = to === '' ? film.length - 1 : Number(to);
    const part = film.subarray(Number(from), last + 1);
    answer.writeHead(206, {
      'content-type': 'video/webm',
      'accept-ranges': 'bytes',
      'content-range': `bytes ${from}-${last}/${film.length}`,
      'content-length': part.length,
    });
    answer.end(part);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  return {
    origin: `http://localhost:${port}`,
    asked: 0,
    async stop() {
      listener.closeAllConnections();
      listener.close();
      await once(listener, 'close');
    },
  };
}

beforeAll(async () => {
  await scratch(async (folder) => {
    const file = join(folder, 'film.webm');
    const source = `testsrc=duration=${lengthS}:size=160x90:rate=5`;
    const args = ['-v', 'error', '-f', 'lavfi', '-i', source, '-c:v', 'libvpx', '-g', '25'];
    await run('ffmpeg', [...args, '-b:v', '60k', file]);
    place = await startPlace(await readFile(file));
  });
  server = await Server.start({
    name: 'video',
    config: `[rooms]\nvideo_origins = ["${place.origin}"]\n`,
  });
});

afterAll(async () => {
  const complaints = people.flatMap((person) => person.complaints);
  await Promise.all(people.map((person) => person.close()));
  await server.stop();
  await place.stop();
  expect(complaints, 'errors thrown in pages').toEqual([]);
});

async function arrive(name: string, viewport = { width: 1280, height: 800 }): Promise<Person> {
  const person = await Person.arrive(server.origin, { name, devices: 'none', viewport });
  people.push(person);
  return person;
}

const film = ({ page }: Person) =>
  page.getByRole('region', { name: 'Shared video' }).locator('video');
const at = (person: Person) =>
  film(person).evaluate(({ currentTime, paused }: HTMLVideoElement) => ({ currentTime, paused }));

/** Both see the same, to within what nobody notices. */
async function together(one: Person, other: Person): Promise<void> {
  await expect
    .poll(
      async () => {
        const [here, there] = await Promise.all([at(one), at(other)]);
        return here.paused === there.paused && Math.abs(here.currentTime - there.currentTime) < 1.5;
      },
      { timeout: SOON },
    )
    .toBe(true);
}

test('a video by link is led by one, followed by all, found by whoever comes late, and goes with its leader', async () => {
  const ana = await arrive('Ana');
  await ana.join('cinema');
  const boris = await arrive('Boris');
  await boris.join('cinema');
  expect(place.asked).toBe(0);

  await ana.choose('More', 'Video by link');
  const asked = ana.page.getByRole('dialog', { name: 'Watch a video together' });
  await asked.getByText(place.origin).first().waitFor();
  await ana.page.keyboard.type('https://elsewhere.example/film.webm');
  await ana.page.keyboard.press('Enter');
  await asked.getByText('This server shows no videos from there.').waitFor({ timeout: SOON });
  expect(await faults(ana.page)).toEqual([]);
  await asked.getByRole('textbox').fill(`${place.origin}/film.webm`);
  await ana.page.keyboard.press('Enter');

  await boris.finds('Ana shows a video');
  await film(boris).waitFor({ timeout: SOON });
  await film(ana).evaluate((video: HTMLVideoElement) => video.play());
  await expect
    .poll(async () => (await at(boris)).currentTime, { timeout: SOON })
    .toBeGreaterThan(0.5);
  expect((await at(boris)).paused).toBe(false);
  await film(ana).evaluate((video: HTMLVideoElement) => {
    video.currentTime = 60;
  });
  await expect
    .poll(async () => (await at(boris)).currentTime, { timeout: SOON })
    .toBeGreaterThan(59);
  await together(ana, boris);
  // Who follows has no hand on it, and may put it away.
  expect(await film(boris).evaluate((video: HTMLVideoElement) => video.controls)).toBe(false);
  await boris.button('Put away on my screen').click();
  await film(boris).waitFor({ state: 'hidden' });

  const dora = await arrive('Dora', { width: 360, height: 740 });
  await dora.join('cinema');
  await film(dora).waitFor({ timeout: SOON });
  await expect
    .poll(async () => (await at(dora)).currentTime, { timeout: SOON })
    .toBeGreaterThan(59);
  await together(ana, dora);
  await film(ana).evaluate((video: HTMLVideoElement) => video.pause());
  await expect.poll(async () => (await at(dora)).paused, { timeout: SOON }).toBe(true);
  await together(ana, dora);
  await dora.page.screenshot({ path: join(artifacts, 'video.360.png') });
  await ana.page.screenshot({ path: join(artifacts, 'video.1280.png') });

  await ana.leave();
  await film(dora).waitFor({ state: 'hidden', timeout: SOON });
});
