import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readFrames, slidesPage } from './support/barcode';
import { Person } from './support/person';

// The measuring instrument measured: what the other tests rely on, without a server of ours.

const page = `<!doctype html><title>Camera</title><video muted autoplay playsinline></video>
<script>
  navigator.mediaDevices.getUserMedia({ video: true }).then((stream) => {
    document.querySelector('video').srcObject = stream;
  });
</script>`;
const site = createServer((request, response) => {
  response.setHeader('content-type', 'text/html');
  response.end(request.url === '/slides' ? slidesPage('Slides', 9) : page);
});
let origin = '';
beforeAll(async () => {
  await new Promise<void>((ready) => site.listen(0, '127.0.0.1', ready));
  origin = `http://localhost:${(site.address() as AddressInfo).port}`;
});
afterAll(() => {
  site.close();
});

test('the barcode of a fake camera is read, and a frozen picture is noticed', async () => {
  const person = await Person.arrive(origin, { name: 'Ana', person: 5 });
  try {
    await person.page.goto(origin);
    const video = person.page.locator('video');
    const frames = await readFrames(video, 10);
    expect(new Set(frames.map((frame) => frame.person))).toEqual(new Set([5]));
    await video.evaluate((element) => (element as HTMLVideoElement).pause());
    await expect(readFrames(video, 2, 700)).rejects.toThrow(/different frames/);
  } finally {
    await person.close();
  }
});

test('a tab shared from a browser with a fake camera gives its picture and its sound', async () => {
  const person = await Person.arrive(origin, { name: 'Ana', person: 5, shareTab: 'Slides' });
  try {
    const tab = await person.context.newPage();
    await tab.goto(`${origin}/slides`);
    await person.page.goto(origin);
    await person.page.bringToFront();
    const video = person.page.locator('video');
    expect((await readFrames(video, 2))[0]?.person).toBe(5);
    const sound = await video.evaluate(async (element) => {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: true });
      (element as HTMLVideoElement).srcObject = stream;
      const context = new AudioContext();
      const analyser = context.createAnalyser();
      context.createMediaStreamSource(stream).connect(analyser);
      const samples = new Float32Array(analyser.fftSize);
      for (let round = 0; round < 100; round += 1) {
        await new Promise((wake) => setTimeout(wake, 50));
        analyser.getFloatTimeDomainData(samples);
        const loudest = Math.max(...samples);
        if (loudest > 0.05) return loudest;
      }
      return 0;
    });
    expect(sound).toBeGreaterThan(0.05);
    const frames = await readFrames(video, 5);
    expect(new Set(frames.map((frame) => frame.person))).toEqual(new Set([9]));
  } finally {
    await person.close();
  }
});

test('Firefox comes with a camera of its own', async () => {
  const person = await Person.arrive(origin, { name: 'Boris', browser: 'firefox' });
  try {
    await person.page.goto(origin);
    const video = person.page.locator('video');
    const played = () => video.evaluate((element) => (element as HTMLVideoElement).currentTime);
    await expect.poll(played, { timeout: 15_000 }).toBeGreaterThan(0.5);
  } finally {
    await person.close();
  }
});
