import { describe, expect, it, vi } from 'vitest';
import { colourOf, Pointers, paced, read, written } from './pointers';

describe('pointers on the whiteboard', () => {
  it('are read as they were written, and nothing else is', () => {
    expect(read(written({ x: 1.4, y: -2.6, down: true }))).toEqual({ x: 1, y: -3, down: true });
    for (const wrong of [
      null,
      {},
      [1, 2],
      [1, 2, 0, 0],
      ['1', 2, 0],
      [Number.NaN, 1, 0],
      [1e9, 1, 0],
    ]) {
      expect(read(wrong), JSON.stringify(wrong)).toBeNull();
    }
  });

  it('go with whoever leaves, and when they rest', () => {
    const pointers = new Pointers();
    const at = { x: 1, y: 2, down: false };
    pointers.note('ana', at, 0);
    pointers.note('bo', at, 5_000);
    pointers.note('eve', at, 5_000);
    expect([...pointers.shown(new Set(['ana', 'bo', 'eve']), 5_000).keys()]).toHaveLength(3);
    expect([...pointers.shown(new Set(['ana', 'bo']), 9_000).keys()]).toEqual(['bo']);
  });

  it('are told now and then, and where they came to rest for sure', () => {
    vi.useFakeTimers();
    const told: number[] = [];
    const tell = paced<number>(80, (value) => told.push(value));
    for (let value = 0; value < 100; value += 1) {
      tell(value);
      vi.advanceTimersByTime(10);
    }
    vi.advanceTimersByTime(200);
    expect(told.length).toBeLessThanOrEqual(15);
    expect(told[0]).toBe(0);
    expect(told.at(-1)).toBe(99);
    vi.useRealTimers();
  });

  it('have a colour that is the same everywhere', () => {
    expect(colourOf('ana')).toBe(colourOf('ana'));
    expect(colourOf('ana')).not.toBe(colourOf('bo'));
  });
});
