import { describe, expect, it } from 'vitest';
import { fitGrid, gridRects, pageCapacity } from './grid';
import { seeded } from './seeded';

describe('fitGrid', () => {
  it('keeps every tile inside the area and apart from the others', () => {
    const random = seeded(1);
    for (let round = 0; round < 80; round += 1) {
      const count = 1 + Math.floor(random() * 49);
      const area = { width: 320 + random() * 1600, height: 300 + random() * 900 };
      const grid = fitGrid(count, area);
      const rects = gridRects(count, area, grid);
      expect(rects).toHaveLength(count);
      for (const [index, a] of rects.entries()) {
        expect(a.x).toBeGreaterThanOrEqual(-1);
        expect(a.y).toBeGreaterThanOrEqual(-1);
        expect(a.x + a.width).toBeLessThanOrEqual(area.width + 1);
        expect(a.y + a.height).toBeLessThanOrEqual(area.height + 1);
        for (const b of rects.slice(index + 1)) {
          const apart =
            a.x + a.width <= b.x ||
            b.x + b.width <= a.x ||
            a.y + a.height <= b.y ||
            b.y + b.height <= a.y;
          expect(apart).toBe(true);
        }
      }
    }
  });

  it('keeps the column count while resizing by a few pixels', () => {
    const start = fitGrid(6, { width: 1000, height: 620 });
    for (let delta = -12; delta <= 12; delta += 1) {
      const next = fitGrid(6, { width: 1000 + delta, height: 620 }, start.columns);
      expect(next.columns).toBe(start.columns);
    }
  });

  it('stacks two people on a phone and sets them side by side on a desk', () => {
    expect(fitGrid(2, { width: 344, height: 600 }).columns).toBe(1);
    expect(fitGrid(2, { width: 1280, height: 640 }).columns).toBe(2);
  });
});

describe('pageCapacity', () => {
  it('never goes past the limit nor below one', () => {
    const random = seeded(2);
    for (let round = 0; round < 200; round += 1) {
      const limit = 1 + Math.floor(random() * 49);
      const area = { width: random() * 2000, height: random() * 1200 };
      const capacity = pageCapacity(area, limit);
      expect(capacity).toBeGreaterThanOrEqual(1);
      expect(capacity).toBeLessThanOrEqual(limit);
    }
  });

  it('does not change back and forth around a threshold', () => {
    let capacity: number | undefined;
    const seen = new Set<number>();
    for (let step = 0; step < 40; step += 1) {
      capacity = pageCapacity({ width: 344 + (step % 2) * 6, height: 560 }, 25, capacity);
      seen.add(capacity);
    }
    expect(seen.size).toBeLessThanOrEqual(2);
    expect(pageCapacity({ width: 344, height: 560 }, 25, capacity)).toBe(capacity);
  });
});
