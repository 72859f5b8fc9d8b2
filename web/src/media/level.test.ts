import { describe, expect, it } from 'vitest';
import { levelOf } from './level';

const tone = (amplitude: number) =>
  Float32Array.from({ length: 1024 }, (_, index) => amplitude * Math.sin(index / 5));

describe('the level', () => {
  it('is nothing in silence and whole in a shout', () => {
    expect(levelOf(new Float32Array(1024))).toBe(0);
    expect(levelOf(new Float32Array(0))).toBe(0);
    expect(levelOf(tone(1))).toBe(1);
  });

  it('rises with the voice', () => {
    const levels = [0.005, 0.02, 0.08, 0.2].map((amplitude) => levelOf(tone(amplitude)));
    expect(levels).toEqual([...levels].sort((a, b) => a - b));
    expect(levels[1]).toBeGreaterThan(0.2);
    expect(levels[1]).toBeLessThan(0.8);
  });
});
