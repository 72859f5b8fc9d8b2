import { ConnectionState, type LocalTrack, type Room, Track } from 'livekit-client';
import { nothingWatched, type TrackSample, type WatchState, watchTracks } from './watchdog';

const everyMs = 2_500;
const sources = [Track.Source.Microphone, Track.Source.Camera] as const;

/**
 * Notices a microphone or camera that is on and yet delivers nothing, as happens after sleep, a change of
 * network or a hiccup of the driver, and has it captured anew. Nobody else would tell: the track says "live".
 */
export class CaptureWatch {
  private room: Room | null = null;
  private watched: WatchState = nothingWatched;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(private readonly onDead: (source: Track.Source, track: LocalTrack) => void) {
    this.timer = setInterval(() => void this.check(), everyMs);
  }

  attachRoom(room: Room): void {
    this.room = room;
    this.watched = nothingWatched;
  }

  dispose(): void {
    clearInterval(this.timer);
    this.room = null;
  }

  private async check(): Promise<void> {
    const { room } = this;
    if (room?.state !== ConnectionState.Connected || document.hidden) {
      this.watched = nothingWatched;
      return;
    }
    const expected = new Map<string, { source: Track.Source; track: LocalTrack }>();
    const samples: TrackSample[] = [];
    for (const source of sources) {
      const publication = room.localParticipant.getTrackPublication(source);
      const track = publication?.track;
      if (!track || publication.isMuted || !isSending(track)) continue;
      const produced = await producedBy(track);
      if (produced === null) continue;
      expected.set(source, { source, track });
      samples.push({ sid: source, received: produced, still: false });
    }
    if (this.room !== room) return;
    const { state, resubscribe } = watchTracks(this.watched, samples, performance.now());
    this.watched = state;
    for (const sid of resubscribe) {
      const dead = expected.get(sid);
      if (dead && !dead.track.isMuted) this.onDead(dead.source, dead.track);
    }
  }
}

/** A camera nobody watches is paused on purpose, and then produces nothing. */
function isSending(track: LocalTrack): boolean {
  const encodings = track.sender?.getParameters().encodings ?? [];
  return encodings.some(({ active }) => active !== false);
}

/** Frames, or seconds of sound, that came from the device so far; null where the browser does not count. */
async function producedBy(track: LocalTrack): Promise<number | null> {
  const report = await track.getRTCStatsReport().catch(() => undefined);
  let produced: number | null = null;
  report?.forEach((entry: { type: string; frames?: number; totalSamplesDuration?: number }) => {
    if (entry.type !== 'media-source') return;
    produced = entry.frames ?? entry.totalSamplesDuration ?? produced;
  });
  return produced;
}
