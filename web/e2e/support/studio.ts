import { once as awaited } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { artifacts } from './server.mjs';

/*
 * A camera and a microphone that are hard work for a network: a picture that takes what bitrate it gets, and a voice
 * that never pauses, so that every lost packet of sound is a gap that can be heard.
 */
const WIDTH = 1280;
const HEIGHT = 720;
const FRAMES = 40;
const FPS = 20;
const RATE = 48_000;
const SECONDS = 10;

/** The same numbers every time; xorshift. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

async function once(name: string, make: (partial: string) => Promise<void>): Promise<string> {
  const path = join(artifacts, name);
  if (existsSync(path)) return path;
  await mkdir(artifacts, { recursive: true });
  const partial = `${path}.${process.pid}`;
  await make(partial);
  await rename(partial, path);
  return path;
}

/** Makes (once) a 720p picture with a moving texture and grain, which repeats without a cut. */
export function busyCamera(): Promise<string> {
  return once('camera-busy.y4m', async (partial) => {
    const file = createWriteStream(partial);
    file.write(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FPS}:1 Ip A1:1 C420jpeg\n`);
    const random = chance(7);
    const texture = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, index) => {
      const x = index % WIDTH;
      const y = Math.floor(index / WIDTH);
      return 120 + 50 * Math.sin(x / 23) * Math.cos(y / 31) + 24 * (random() - 0.5);
    });
    const chroma = Buffer.alloc((WIDTH * HEIGHT) / 2, 128);
    for (let number = 0; number < FRAMES; number += 1) {
      const shift = (number * WIDTH) / FRAMES;
      const luma = Buffer.alloc(WIDTH * HEIGHT);
      for (let y = 0; y < HEIGHT; y += 1) {
        // Neighbouring stripes go opposite ways.
        const way = Math.floor(y / 48) % 2 === 0 ? shift : WIDTH - shift;
        const row = texture.subarray(y * WIDTH, (y + 1) * WIDTH);
        luma.set(row.subarray(way), y * WIDTH);
        luma.set(row.subarray(0, way), y * WIDTH + WIDTH - way);
      }
      for (let count = 0; count < 60_000; count += 1) {
        const at = Math.floor(random() * luma.length);
        luma[at] = 80 + 100 * random();
      }
      if (!file.write(Buffer.concat([Buffer.from('FRAME\n'), luma, chroma]))) {
        await awaited(file, 'drain');
      }
    }
    file.end();
    await finished(file);
  });
}

/** Makes (once) ten seconds of a voice-like sound: harmonics of a gliding pitch, in syllables that never fall silent. */
export function steadyVoice(): Promise<string> {
  return once('voice.wav', async (partial) => {
    const samples = Buffer.alloc(RATE * SECONDS * 2);
    let phase = 0;
    for (let index = 0; index < RATE * SECONDS; index += 1) {
      const time = index / RATE;
      const pitch =
        130 + 30 * Math.sin(2 * Math.PI * 0.7 * time) + 8 * Math.sin(2 * Math.PI * 5.3 * time);
      phase += (2 * Math.PI * pitch) / RATE;
      const vowel = 500 + 300 * Math.sin(2 * Math.PI * 1.1 * time);
      let value = 0;
      for (let harmonic = 1; harmonic <= 20; harmonic += 1) {
        const distance = (harmonic * pitch - vowel) / 250;
        value +=
          ((Math.exp(-distance * distance) + 0.15) * Math.sin(harmonic * phase)) / harmonic ** 0.5;
      }
      const syllable = 0.6 + 0.4 * Math.sin(2 * Math.PI * 4 * time);
      samples.writeInt16LE(Math.round(6_000 * syllable * Math.tanh(value)), index * 2);
    }
    const header = Buffer.alloc(44);
    header.write('RIFF', 0);
    header.writeUInt32LE(36 + samples.length, 4);
    header.write('WAVEfmt ', 8);
    header.writeUInt32LE(16, 16);
    header.writeUInt16LE(1, 20);
    header.writeUInt16LE(1, 22);
    header.writeUInt32LE(RATE, 24);
    header.writeUInt32LE(RATE * 2, 28);
    header.writeUInt16LE(2, 32);
    header.writeUInt16LE(16, 34);
    header.write('data', 36);
    header.writeUInt32LE(samples.length, 40);
    await writeFile(partial, Buffer.concat([header, samples]));
  });
}
