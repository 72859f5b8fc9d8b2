import { ConnectionState, type Room, Track } from 'livekit-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RemoteTracks } from './RemoteTracks';

class FakePublication {
  isDesired = true;
  isMuted = false;
  isEnabled = true;
  frames = 0;
  readonly kind = Track.Kind.Video;
  readonly changes: boolean[] = [];
  readonly track = {
    streamState: Track.StreamState.Active,
    receiver: {
      getStats: async () => new Map([['in', { type: 'inbound-rtp', framesDecoded: this.frames }]]),
    },
  };
  constructor(
    readonly trackSid: string,
    readonly source = Track.Source.Camera,
  ) {}
  setSubscribed(on: boolean) {
    this.isDesired = on;
    this.changes.push(on);
  }
}

let tracks: RemoteTracks;

function roomOf(...publications: FakePublication[]): Room {
  const bySid = new Map(publications.map((one) => [one.trackSid, one]));
  const participant = { trackPublications: bySid, videoTrackPublications: bySid };
  return {
    state: ConnectionState.Connected,
    remoteParticipants: new Map([['ana', participant]]),
  } as unknown as Room;
}

function show(shown: string[], nearby: string[] = []) {
  tracks.show({ shown: new Set(shown), nearby: new Set(nearby) });
}

beforeEach(() => {
  vi.useFakeTimers();
  tracks = new RemoteTracks(() => true);
});

afterEach(() => {
  tracks.dispose();
  vi.useRealTimers();
});

describe('RemoteTracks', () => {
  it('unsubscribes a picture some seconds after its page is turned, and not the next page', async () => {
    const [here, next, far] = ['a', 'b', 'c'].map((sid) => new FakePublication(sid));
    if (!here || !next || !far) throw new Error('three pictures');
    here.frames = 1;
    tracks.attachRoom(roomOf(here, next, far));
    show(['a'], ['b']);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(far.changes).toEqual([]);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(far.changes).toEqual([false]);
    expect([here.changes, next.changes]).toEqual([[], []]);
  });

  it('subscribes at once to what comes onto the stage', async () => {
    const far = new FakePublication('c');
    tracks.attachRoom(roomOf(far));
    show([]);
    await vi.advanceTimersByTimeAsync(8_000);
    show(['c']);
    expect(far.changes).toEqual([false, true]);
  });

  it('keeps screens and drops cameras in audio-only mode', () => {
    const camera = new FakePublication('cam');
    const screen = new FakePublication('scr', Track.Source.ScreenShare);
    tracks.attachRoom(roomOf(camera, screen));
    show(['cam', 'scr']);
    tracks.setAudioOnly(true);
    expect([camera.isDesired, screen.isDesired]).toEqual([false, true]);
    tracks.setAudioOnly(false);
    expect(camera.isDesired).toBe(true);
  });

  it('subscribes anew a picture that does not move for ten seconds', async () => {
    const stuck = new FakePublication('a');
    stuck.frames = 12;
    tracks.attachRoom(roomOf(stuck));
    show(['a']);
    await vi.advanceTimersByTimeAsync(11_000);
    expect(stuck.changes).toEqual([]);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(stuck.changes).toEqual([false, true]);
  });

  it.each([
    ['muted', (one: FakePublication) => Object.assign(one, { isMuted: true })],
    [
      'held back by the server',
      (one: FakePublication) => Object.assign(one.track, { streamState: Track.StreamState.Paused }),
    ],
    ['not visible', (one: FakePublication) => Object.assign(one, { isEnabled: false })],
  ])('expects nothing of a picture that is %s', async (_, change) => {
    const still = new FakePublication('a');
    change(still);
    tracks.attachRoom(roomOf(still));
    show(['a']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(still.changes).toEqual([]);
  });
});
