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
