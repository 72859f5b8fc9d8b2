import type { EndReason } from './endReason';

/** A lost signalling connection shorter than this shows nothing: the media plays on. In ms. */
export const quietBlipMs = 5_000;
/** How long a lost call is rebuilt before giving up, in ms. */
export const rebuildForMs = 10 * 60_000;

/**
 * Where a call stands. The livekit SDK heals small damage itself (`blip`, `reconnecting`); once it gives up,
 * we build a new Room with a new token (`rebuilding`).
 */
export type RecoveryState =
  | { phase: 'joining'; since: number }
  | { phase: 'live' }
  | { phase: 'blip'; since: number }
  | { phase: 'reconnecting'; since: number }
  | { phase: 'rebuilding'; since: number; attempt: number; retryAt: number }
  | { phase: 'ended'; reason: EndReason };

export type RecoveryEvent =
  | { kind: 'connected' }
  /** Signalling is lost, media may go on. */
  | { kind: 'signal-lost' }
  /** The SDK starts over with new peer connections. */
  | { kind: 'media-lost' }
  | { kind: 'restored' }
  /** The SDK closed the room; `end` is set when there is nothing to go back to. */
  | { kind: 'closed'; end: EndReason | null }
  /** Joining or rebuilding failed; `end` is set when trying again cannot help. */
  | { kind: 'attempt-failed'; end: EndReason | null }
  /** The browser reports a network, so waiting out the delay would be idle. */
  | { kind: 'online' }
  | { kind: 'left' };

/**
 * Steps the recovery machine. `jitter` in [0, 1) spreads the retries of people who were cut off together.
 */
export function recover(
  state: RecoveryState,
  event: RecoveryEvent,
  now: number,
  jitter = 0.5,
): RecoveryState {
  if (state.phase === 'ended') return state;
  switch (event.kind) {
    case 'left':
      return { phase: 'ended', reason: 'left' };
    case 'connected':
    case 'restored':
      return { phase: 'live' };
    case 'signal-lost':
      return state.phase === 'live' ? { phase: 'blip', since: now } : state;
    case 'media-lost':
      if (state.phase === 'live') return { phase: 'reconnecting', since: now };
      if (state.phase === 'blip') return { phase: 'reconnecting', since: state.since };
      return state;
    case 'closed':
      if (event.end) return { phase: 'ended', reason: event.end };
      // While rebuilding, the discarded room's own close is no news.
      if (state.phase === 'rebuilding') return state;
      return { phase: 'rebuilding', since: lostSince(state, now), attempt: 0, retryAt: now };
    case 'attempt-failed': {
      if (event.end) return { phase: 'ended', reason: event.end };
      const since = lostSince(state, now);
      if (now - since >= rebuildForMs) return { phase: 'ended', reason: 'connection_lost' };
      const attempt = state.phase === 'rebuilding' ? state.attempt + 1 : 1;
      return {
        phase: 'rebuilding',
        since,
        attempt,
        retryAt: now + retryDelayMs(attempt, jitter),
      };
    }
    case 'online':
      return state.phase === 'rebuilding' ? { ...state, retryAt: now } : state;
  }
}

/** Says how long to wait before the given attempt, in ms: 1 s, 2 s, 4 s, then 5 s, each ±25 %. */
export function retryDelayMs(attempt: number, jitter: number): number {
  const base = Math.min(5_000, 1000 * 2 ** Math.max(0, attempt - 1));
  return Math.round(base * (0.75 + jitter / 2));
}

/** Says whether people must be told that something is wrong. */
export function showsBanner(state: RecoveryState, now: number): boolean {
  switch (state.phase) {
    case 'blip':
      return now - state.since >= quietBlipMs;
    case 'reconnecting':
    case 'rebuilding':
      return true;
    default:
      return false;
  }
}

function lostSince(state: RecoveryState, now: number): number {
  return 'since' in state ? state.since : now;
}
