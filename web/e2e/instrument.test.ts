import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readFrames, slidesPage } from './support/barcode';
import { Person } from './support/person';
import { disturbance, judge, type Sample } from './support/quality';

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

test('a quality is what changed between two moments', () => {
  const nothing = {
    audioDelay: 0,
    audioDelayed: 0,
    keyFrames: 0,
    nacks: 0,
    plis: 0,
    packetsLost: 0,
  };
  // Ten looks a second; from the third second on no picture for one second, and no look for half a second in the fifth.
  const samples: Sample[] = [];
  for (let tenth = 0; tenth <= 60; tenth += 1) {
    if (tenth > 45 && tenth < 50) continue;
    const still = Math.min(10, Math.max(0, tenth - 30));
    samples.push({
      ...nothing,
      at: 1_000 + 100 * tenth,
      framesEncoded: 2 * (tenth - still),
      audioSent: 5 * tenth,
      framesDecoded: 2 * (tenth - still),
      freezes: tenth < 40 ? 0 : 1,
      frozenSeconds: tenth < 40 ? 0 : 1,
      height: tenth < 20 ? 360 : 720,
      audioPackets: 5 * tenth,
      audioSamples: 4_800 * tenth,
      concealedSamples: tenth > 20 ? 480 * (tenth - 20) : 0,
    });
  }
  const whole = judge(samples);
  expect(whole).toMatchObject({ seconds: 6, freezes: 1, longestStillMs: 1_000, height: 720 });
  expect(whole.frozen).toBeCloseTo(1 / 6);
  expect(whole.concealed).toBeCloseTo(4 / 60);
  expect(whole.framesPerSecond).toBeCloseTo(100 / 6);
  // The encoder stood for eleven looks and for five, of which three each are not held against the machine.
  expect(disturbance(samples)).toBeCloseTo(1 / 6);
  expect(disturbance(samples, 4_500)).toBeCloseTo(0.5 / 2.5);
  const begun = judge(samples, 1_000, 3_000);
  expect(begun).toMatchObject({ concealed: 0, frozen: 0, longestSilenceMs: 0 });
  expect(() => judge(samples, 0, 10)).toThrow(/nothing was watched/);
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
