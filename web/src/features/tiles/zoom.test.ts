import { describe, expect, it } from 'vitest';
import { clampPan, wholeView, zoomBy } from './zoom';

const frame = { width: 800, height: 400 };

describe('zoom', () => {
  it('goes no smaller than the whole and no larger than six times', () => {
    expect(zoomBy(wholeView, 0.1, frame)).toEqual(wholeView);
    expect(zoomBy(wholeView, 100, frame).scale).toBe(6);
  });

  it('comes back to exactly the whole', () => {
    const near = zoomBy(zoomBy(wholeView, 1.5, frame), 1 / 1.5, frame);
    expect(near).toEqual(wholeView);
  });

  it('keeps the picture within its frame', () => {
    expect(clampPan({ scale: 2, x: 9999, y: -9999 }, frame)).toEqual({ scale: 2, x: 400, y: -200 });
    expect(clampPan({ scale: 1, x: 50, y: 50 }, frame)).toEqual(wholeView);
  });
});
