import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Locator } from 'playwright-core';
import { artifacts } from './server.mjs';

/*
 * A fake camera's picture says who sent it and which frame it is: black and white columns across the upper half.
 *   2 columns of sync (white, black), 4 of person, 8 of frame number, 4 of check (xor of the three nibbles).
 */
const COLUMNS = 18;
const WIDTH = 640;
const HEIGHT = 360;
const FRAMES = 100;
const FPS = 20;

/** What one decoded frame says. */
export interface Frame {
  person: number;
  number: number;
}

function bits(person: number, number: number): number[] {
  const check = person ^ (number >> 4) ^ (number & 15);
  const value = (person << 12) | (number << 4) | check;
  return [1, 0, ...Array.from({ length: 16 }, (_, index) => (value >> (15 - index)) & 1)];
}

/** Makes (once) the y4m file of a person's camera and returns its path. */
export async function cameraFile(person: number): Promise<string> {
  const path = join(artifacts, `camera-${person}.y4m`);
  if (existsSync(path)) return path;
  await mkdir(artifacts, { recursive: true });
  const partial = `${path}.${process.pid}`;
  const file = createWriteStream(partial);
  file.write(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FPS}:1 Ip A1:1 C420jpeg\n`);
  for (let number = 0; number < FRAMES; number += 1) file.write(frame(person, number));
  file.end();
  await finished(file);
  await rename(partial, path);
  return path;
}

function frame(person: number, number: number): Buffer {
  const header = Buffer.from('FRAME\n');
  const luma = Buffer.alloc(WIDTH * HEIGHT, 110);
  const columns = bits(person, number);
  const code = Buffer.alloc(WIDTH);
  for (let x = 0; x < WIDTH; x += 1) {
    code[x] = columns[Math.floor((x * COLUMNS) / WIDTH)] ? 235 : 16;
  }
  for (let y = 0; y < HEIGHT / 2; y += 1) code.copy(luma, y * WIDTH);
  // Below, a bar that wanders: something to look at, and motion for the encoder.
  const bar = Math.floor((number * (WIDTH - 40)) / FRAMES);
  for (let y = HEIGHT / 2 + 40; y < HEIGHT - 40; y += 1)
    luma.fill(200, y * WIDTH + bar, y * WIDTH + bar + 40);
  const quarter = (WIDTH * HEIGHT) / 4;
  const blue = Buffer.alloc(quarter, 128 + 8 * (person % 8) - 28);
  const red = Buffer.alloc(quarter, 128 - 8 * (person % 8) + 28);
  return Buffer.concat([header, luma, blue, red]);
}

/**
 * Reads frames off a playing `<video>` until `distinct` different ones have been seen.
 *
 * Each painted frame is awaited through requestVideoFrameCallback, so a picture that stands still never ends it.
 */
export async function readFrames(video: Locator, distinct = 5, timeout = 60_000): Promise<Frame[]> {
  const started = Date.now();
  for (;;) {
    const left = Math.max(1_000, timeout - (Date.now() - started));
    const frames = await readElement(video, distinct, left);
    if (frames) return frames;
  }
}

/** Reads off one element; `undefined` when the page takes it away meanwhile. */
async function readElement(
  video: Locator,
  distinct: number,
  timeout: number,
): Promise<Frame[] | undefined> {
  return video.evaluate(
    async (element, { distinct, timeout, columns }) => {
      const video = element as HTMLVideoElement;
      const canvas = document.createElement('canvas');
      const context = canvas.getContext('2d', { willReadFrequently: true });
      if (!context) throw new Error('no canvas');
      const read = (): { person: number; number: number } | undefined => {
        canvas.width = video.videoWidth;
        canvas.height = video.videoHeight;
        if (!canvas.width) return undefined;
        context.drawImage(video, 0, 0);
        const y = Math.floor(canvas.height / 4);
        const row = context.getImageData(0, y, canvas.width, 1).data;
        const bit: number[] = Array.from({ length: columns }, (_, index) => {
          const x = Math.floor(((index + 0.5) * canvas.width) / columns);
          return (row[x * 4 + 1] ?? 0) > 128 ? 1 : 0;
        });
        const value = bit.slice(2).reduce((sum, one) => sum * 2 + one, 0);
        const person = value >> 12;
        const number = (value >> 4) & 255;
        const check = person ^ (number >> 4) ^ (number & 15);
        return bit[0] === 1 && bit[1] === 0 && check === (value & 15)
          ? { person, number }
          : undefined;
      };
      const seen = new Map<number, { person: number; number: number }>();
      let painted = 0;
      const started = performance.now();
      while (seen.size < distinct) {
        const left = timeout - (performance.now() - started);
        const next = await new Promise<boolean>((resolve) => {
          const end = (painted: boolean) => {
            clearTimeout(timer);
            clearInterval(watch);
            resolve(painted);
          };
          const timer = setTimeout(() => end(false), Math.max(0, left));
          // An element that the app has replaced will never paint again.
          const watch = setInterval(() => video.isConnected || end(false), 100);
          video.requestVideoFrameCallback(() => end(true));
        });
        if (!next && !video.isConnected) return undefined;
        if (!next) {
          throw new Error(
            `saw ${seen.size} of ${distinct} different frames in ${timeout} ms ` +
              `(${painted} painted, ${video.videoWidth}x${video.videoHeight})`,
          );
        }
        painted += 1;
        const frame = read();
        if (frame) seen.set(frame.person * 256 + frame.number, frame);
      }
      return [...seen.values()];
    },
    { distinct, timeout, columns: COLUMNS },
  );
}

/** A page whose whole picture is the barcode, with a tone: the tab that gets shared. */
export function slidesPage(title: string, person: number): string {
  return `<!doctype html><title>${title}</title>
<style>html,body{margin:0;height:100%;background:#777}canvas{position:fixed;inset:0;width:100vw;height:100vh}</style>
<canvas width="1280" height="720"></canvas>
<script>
  const context = document.querySelector('canvas').getContext('2d');
  let number = 0;
  const draw = () => {
    number = (number + 1) % 200;
    const check = ${person} ^ (number >> 4) ^ (number & 15);
    const value = (${person} << 12) | (number << 4) | check;
    const bits = [1, 0, ...Array.from({ length: 16 }, (_, i) => (value >> (15 - i)) & 1)];
    context.fillStyle = '#777';
    context.fillRect(0, 360, 1280, 360);
    bits.forEach((bit, i) => {
      context.fillStyle = bit ? '#fff' : '#000';
      context.fillRect((i * 1280) / ${COLUMNS}, 0, 1280 / ${COLUMNS} + 1, 360);
    });
  };
  setInterval(draw, 100);
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const gain = audio.createGain();
  gain.gain.value = 0.3;
  tone.connect(gain).connect(audio.destination);
  tone.start();
</script>`;
}
