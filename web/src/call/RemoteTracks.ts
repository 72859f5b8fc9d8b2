import {
  ConnectionState,
  type RemoteTrack,
  type RemoteTrackPublication,
  type Room,
  Track,
} from 'livekit-client';
import { nothingWatched, type TrackSample, type WatchState, watchTracks } from './watchdog';

/** Which pictures the stage shows now, and which it may show next; by publication sid. */
export interface WantedVideo {
  /** What matters most comes first. */
  shown: ReadonlySet<string>;
  nearby: ReadonlySet<string>;
}

/** A picture off the page is unsubscribed only after this, so that leafing through costs nothing. In ms. */
const offPageMs = 5_000;
const watchEveryMs = 2_000;
/** The server needs to see the unsubscription before the new subscription. In ms. */
const resubscribeGapMs = 250;

/**
 * Decides which remote tracks are subscribed: those on the stage and their neighbours, all sound, and no
 * camera at all in audio-only mode. Subscribes anew what should arrive and does not.
 */
export class RemoteTracks {
  private room: Room | null = null;
  private wanted: WantedVideo = { shown: new Set(), nearby: new Set() };
  private audioOnly = false;
  private cameraLimit: number | null = null;
  private readonly offSince = new Map<string, number>();
  private readonly renewing = new Set<string>();
  private watched: WatchState = nothingWatched;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(private readonly admits: (publication: RemoteTrackPublication) => boolean) {
    this.timer = setInterval(() => void this.check(), watchEveryMs);
  }

  attachRoom(room: Room): void {
    this.room = room;
    this.watched = nothingWatched;
    this.offSince.clear();
    this.renewing.clear();
  }

  /** Tells what the stage shows. What it shows now is subscribed at once. */
  show(wanted: WantedVideo): void {
    this.wanted = wanted;
    this.apply(performance.now());
  }

  setAudioOnly(on: boolean): void {
    this.audioOnly = on;
    this.apply(performance.now());
  }

  /** Lets no more than so many cameras arrive at once; null for as many as are shown. */
  setCameraLimit(limit: number | null): void {
    this.cameraLimit = limit;
    this.apply(performance.now());
  }

  dispose(): void {
    clearInterval(this.timer);
    this.room = null;
  }

  private apply(now: number): void {
    const admitted = this.admitted();
    for (const publication of this.videos()) {
      const { trackSid } = publication;
      if (this.renewing.has(trackSid) || !this.admits(publication)) continue;
      const hidden = isCamera(publication) && admitted !== null && !admitted.has(trackSid);
      if (!hidden && (this.wanted.shown.has(trackSid) || this.wanted.nearby.has(trackSid))) {
        this.offSince.delete(trackSid);
        if (!publication.isDesired) publication.setSubscribed(true);
        continue;
      }
      const since = this.offSince.get(trackSid) ?? now;
      this.offSince.set(trackSid, since);
      if (publication.isDesired && (hidden || now - since >= offPageMs)) {
        publication.setSubscribed(false);
      }
    }
  }

  /** The cameras that may arrive; null where all may. */
  private admitted(): ReadonlySet<string> | null {
    if (this.audioOnly) return new Set();
    const { cameraLimit } = this;
    if (cameraLimit === null) return null;
    const cameras = new Map([...this.videos()].map((one) => [one.trackSid, one]));
    const shown = [...this.wanted.shown].filter((sid) => {
      const publication = cameras.get(sid);
      return publication !== undefined && isCamera(publication) && !publication.isMuted;
    });
    return new Set(shown.slice(0, cameraLimit));
  }

  private async check(): Promise<void> {
    const { room } = this;
    if (room?.state !== ConnectionState.Connected) {
      this.watched = nothingWatched;
      return;
    }
    this.apply(performance.now());
    const expected = this.expected(room);
    const samples = await Promise.all([...expected.values()].map(sample));
    if (this.room !== room) return;
    const { state, resubscribe } = watchTracks(this.watched, samples, performance.now());
    this.watched = state;
    for (const sid of resubscribe) {
      const publication = expected.get(sid);
      if (publication) this.renew(publication);
    }
  }

  /** Lists what should be arriving: unmuted, wanted, not held back; pictures only while they are on the stage. */
  private expected(room: Room): Map<string, RemoteTrackPublication> {
    const expected = new Map<string, RemoteTrackPublication>();
    for (const participant of room.remoteParticipants.values()) {
      for (const publication of participant.trackPublications.values()) {
        const { trackSid, track } = publication;
        if (publication.isMuted || !publication.isDesired || this.renewing.has(trackSid)) continue;
        if (track?.streamState === Track.StreamState.Paused) continue;
        if (publication.kind === Track.Kind.Video) {
          if (document.hidden || !this.wanted.shown.has(trackSid) || !publication.isEnabled)
            continue;
        } else if (track) {
          // Silence may send nothing at all (DTX): sound only has to be subscribed.
          continue;
        }
        expected.set(trackSid, publication);
      }
    }
    return expected;
  }

  private renew(publication: RemoteTrackPublication): void {
    const { trackSid } = publication;
    this.renewing.add(trackSid);
    publication.setSubscribed(false);
    setTimeout(() => {
      this.renewing.delete(trackSid);
      publication.setSubscribed(true);
    }, resubscribeGapMs);
  }

  private *videos(): Generator<RemoteTrackPublication> {
    for (const participant of this.room?.remoteParticipants.values() ?? []) {
      yield* participant.videoTrackPublications.values();
    }
  }
}

function isCamera({ source }: RemoteTrackPublication): boolean {
  return source === Track.Source.Camera || source === Track.Source.Unknown;
}

async function sample(publication: RemoteTrackPublication): Promise<TrackSample> {
  const { trackSid, track, source } = publication;
  return {
    sid: trackSid,
    received: track ? await framesDecoded(track) : null,
    still: source === Track.Source.ScreenShare,
  };
}

async function framesDecoded(track: RemoteTrack): Promise<number> {
  let frames = 0;
  const report = await track.receiver?.getStats().catch(() => null);
  report?.forEach((entry: { type: string; framesDecoded?: number }) => {
    if (entry.type === 'inbound-rtp') frames = Math.max(frames, entry.framesDecoded ?? 0);
  });
  return frames;
}
