import { describe, expect, it } from 'vitest';
import { positionOf, stepTo } from './follow';

const at = (positionMs: number, playing = true) => ({ playing, positionMs, heardAt: 1_000 });
const player = (currentTime: number, more = {}) => ({
  paused: false,
  currentTime,
  duration: 60,
  seeking: false,
  ...more,
});

describe('a video watched together', () => {
  it('runs on between what the room says, while it plays', () => {
    expect(positionOf(at(5_000), 3_000)).toBe(7);
    expect(positionOf(at(5_000, false), 3_000)).toBe(5);
  });

  it('is brought to where the one who leads has it, and left alone where it is there already', () => {
    expect(stepTo(at(5_000), player(7.4), 3_000)).toEqual({});
    expect(stepTo(at(5_000), player(2), 3_000)).toEqual({ seekTo: 7 });
    expect(stepTo(at(5_000), player(2, { seeking: true }), 3_000)).toEqual({});
    expect(stepTo(at(5_000), player(7, { paused: true }), 3_000)).toEqual({ play: true });
    expect(stepTo(at(5_000, false), player(5.5), 3_000)).toEqual({ seekTo: 5, play: false });
  });

  it('does not begin again at its end', () => {
    expect(stepTo(at(59_000), player(60, { paused: true }), 9_000)).toEqual({});
  });
});
