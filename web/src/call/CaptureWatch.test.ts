import { ConnectionState, type Room, Track } from 'livekit-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CaptureWatch } from './CaptureWatch';

const dead: Track.Source[] = [];
let watch: CaptureWatch;

function camera(more: { isMuted?: boolean; active?: boolean; frames?: (at: number) => number }) {
  const { isMuted = false, active = true, frames = () => 0 } = more;
  let read = 0;
  return {
    isMuted,
    track: {
      isMuted,
      sender: { getParameters: () => ({ encodings: [{ active }] }) },
      getRTCStatsReport: async () => {
        read += 1;
        return new Map([['source', { type: 'media-source', frames: frames(read) }]]);
      },
    },
  };
}

async function observe(publication: object) {
  watch.attachRoom({
    state: ConnectionState.Connected,
    localParticipant: {
      getTrackPublication: (source: Track.Source) =>
        source === Track.Source.Camera ? publication : undefined,
    },
  } as unknown as Room);
  await vi.advanceTimersByTimeAsync(15_000);
}

beforeEach(() => {
  vi.useFakeTimers();
  watch = new CaptureWatch((source) => dead.push(source));
});

afterEach(() => {
  watch.dispose();
  dead.length = 0;
  vi.useRealTimers();
});

describe('CaptureWatch', () => {
  it('reports a camera that is on and delivers nothing for ten seconds', async () => {
    await observe(camera({ frames: () => 0 }));
    expect(dead).toEqual([Track.Source.Camera]);
  });

  it('leaves alone what flows, what is muted and what nobody watches', async () => {
    await observe(camera({ frames: (read) => read * 30 }));
    await observe(camera({ isMuted: true }));
    await observe(camera({ active: false }));
    expect(dead).toEqual([]);
  });
});
