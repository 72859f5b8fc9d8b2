import { describe, expect, it } from 'vitest';
import { nothingWatched, type TrackSample, watchTracks } from './watchdog';

function play(steps: readonly (readonly [now: number, samples: TrackSample[]])[]) {
  let state = nothingWatched;
  const asked: [number, string][] = [];
  for (const [now, samples] of steps) {
    const outcome = watchTracks(state, samples, now);
    state = outcome.state;
    for (const sid of outcome.resubscribe) asked.push([now, sid]);
  }
  return asked;
}

const flowing = (received: number | null): TrackSample[] => [{ sid: 'v', received, still: false }];

describe('watchTracks', () => {
  it('subscribes anew a track that does not arrive for ten seconds', () => {
    expect(
      play([
        [0, flowing(null)],
        [9_000, flowing(null)],
        [10_000, flowing(null)],
      ]),
    ).toEqual([[10_000, 'v']]);
  });

  it('leaves a flowing track alone', () => {
    const steps = Array.from({ length: 30 }, (_, i) => [i * 2000, flowing(i * 60)] as const);
    expect(play(steps.slice(1))).toEqual([]);
  });

  it('notices a camera that freezes, but not a still screen', () => {
    const frozen = [0, 4000, 8000, 12_000].map((now) => [now, flowing(100)] as const);
    expect(play(frozen)).toHaveLength(1);
    const screen = [0, 4000, 8000, 12_000, 60_000].map((now): [number, TrackSample[]] => [
      now,
      [{ sid: 's', received: 3, still: true }],
    ]);
    expect(play(screen)).toEqual([]);
  });

  it('is ever more patient with a track that stays away', () => {
    const steps = Array.from({ length: 200 }, (_, i) => [i * 1000, flowing(null)] as const);
    expect(play(steps).map(([now]) => now)).toEqual([10_000, 30_000, 70_000, 150_000]);
  });

  it('starts afresh when a track stops being expected in between', () => {
    expect(
      play([
        [0, flowing(null)],
        [9_000, []],
        [11_000, flowing(null)],
      ]),
    ).toEqual([]);
  });
});
