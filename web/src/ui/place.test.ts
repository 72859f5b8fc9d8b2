import { describe, expect, it } from 'vitest';
import { placeRect } from './place';

const viewport = { width: 400, height: 300 };
const box = { width: 100, height: 80 };
const at = (left: number, top: number) => ({ left, top, width: 40, height: 20 });
const above = { placement: 'top', align: 'center', gap: 8 } as const;

describe('a floating box', () => {
  it('stands above its anchor, centred', () => {
    expect(placeRect(at(180, 200), box, viewport, above)).toEqual({ left: 150, top: 112 });
  });

  it('goes below where there is no room above', () => {
    expect(placeRect(at(180, 20), box, viewport, above).top).toBe(48);
  });

  it('stays inside the window', () => {
    expect(placeRect(at(0, 200), box, viewport, above).left).toBe(8);
    expect(placeRect(at(390, 200), box, viewport, above).left).toBe(292);
  });

  it('starts at the other side from right to left', () => {
    const start = { placement: 'bottom', align: 'start', gap: 8 } as const;
    expect(placeRect(at(180, 20), box, viewport, start).left).toBe(180);
    expect(placeRect(at(180, 20), box, viewport, start, true).left).toBe(120);
  });
});
