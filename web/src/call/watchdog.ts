/** A remote track expected without arriving for this long is subscribed anew, in ms. */
export const stallMs = 10_000;
/** The longest wait between two attempts on the same track, in ms. */
const slowestRetryMs = 80_000;

/** What is known of a remote track that should be arriving now. */
export interface TrackSample {
  sid: string;
  /** Frames or packets received so far; null while the track has not arrived at all. */
  received: number | null;
  /** A still picture is normal: only the first frame is expected, not a steady flow. */
  still: boolean;
}

interface Watched {
  received: number | null;
  /** When it last made progress, or was last subscribed anew. */
  since: number;
  attempts: number;
}

export type WatchState = ReadonlyMap<string, Watched>;

export const nothingWatched: WatchState = new Map();

/**
 * Compares what should arrive with what does, and names the tracks to subscribe anew.
 * Tracks that are not expected (muted, off the page, held back by the server) are left out of `samples`.
 */
export function watchTracks(
  state: WatchState,
  samples: readonly TrackSample[],
  now: number,
): { state: WatchState; resubscribe: string[] } {
  const next = new Map<string, Watched>();
  const resubscribe: string[] = [];
  for (const { sid, received, still } of samples) {
    const before = state.get(sid);
    const arrived = received !== null && received > 0;
    const progress = received !== null && received > (before?.received ?? 0);
    if (!before || progress || (still && arrived)) {
      next.set(sid, { received, since: now, attempts: 0 });
      continue;
    }
    const patience = Math.min(slowestRetryMs, stallMs * 2 ** before.attempts);
    if (now - before.since >= patience) {
      resubscribe.push(sid);
      next.set(sid, { received: null, since: now, attempts: before.attempts + 1 });
    } else {
      next.set(sid, { ...before, received });
    }
  }
  return { state: next, resubscribe };
}
