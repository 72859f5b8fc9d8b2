/** How long someone must speak before the stage turns to them, in ms. */
export const promoteAfterMs = 1000;
/** The same while the present speaker has not stopped, in ms: interjections change nothing. */
export const interruptAfterMs = 2000;
/** A pause between words that does not count as silence, in ms. */
export const wordGapMs = 600;

interface Utterance {
  /** When the current stretch of speech began. */
  since: number;
  /** When it ended, or null while it lasts. */
  endedAt: number | null;
}

/** Remembers who speaks since when, and whom the stage shows. */
export interface SpeakerState {
  dominant: string | null;
  /** When the present speaker was chosen. */
  dominantSince: number;
  utterances: ReadonlyMap<string, Utterance>;
}

export const noSpeaker: SpeakerState = { dominant: null, dominantSince: 0, utterances: new Map() };

/**
 * Decides who is the speaker, given the identities speaking at `now` (loudest first).
 * The dominant speaker stays until someone else has earned the place or they leave `present`.
 */
export function nextSpeaker(
  state: SpeakerState,
  speaking: readonly string[],
  present: ReadonlySet<string>,
  now: number,
): SpeakerState {
  const utterances = new Map<string, Utterance>();
  for (const [identity, utterance] of state.utterances) {
    if (!present.has(identity)) continue;
    if (speaking.includes(identity)) continue;
    const endedAt = utterance.endedAt ?? now;
    if (now - endedAt <= wordGapMs) utterances.set(identity, { since: utterance.since, endedAt });
  }
  for (const identity of speaking) {
    if (!present.has(identity)) continue;
    const before = state.utterances.get(identity);
    const resumed = before && (before.endedAt === null || now - before.endedAt <= wordGapMs);
    utterances.set(identity, { since: resumed ? before.since : now, endedAt: null });
  }
  const held = state.dominant !== null && present.has(state.dominant) ? state.dominant : null;
  const dominant = elect(state, held, speaking, utterances, now);
  const dominantSince = dominant === state.dominant ? state.dominantSince : now;
  return { dominant, dominantSince, utterances };
}

/** Says how many ms after `now` the decision could change by the passing of time alone. */
export function speakerDelay(state: SpeakerState, now: number): number | null {
  let delay: number | null = null;
  for (const [identity, utterance] of state.utterances) {
    if (identity === state.dominant || utterance.endedAt !== null) continue;
    for (const threshold of [promoteAfterMs, interruptAfterMs]) {
      const left = utterance.since + threshold - now;
      if (left > 0 && (delay === null || left < delay)) delay = left;
    }
  }
  return delay;
}

function elect(
  state: SpeakerState,
  held: string | null,
  speaking: readonly string[],
  utterances: ReadonlyMap<string, Utterance>,
  now: number,
): string | null {
  const heldSpeaks = held !== null && utterances.has(held);
  for (const identity of speaking) {
    const utterance = utterances.get(identity);
    if (!utterance || identity === held) continue;
    const spokenMs = now - utterance.since;
    if (!heldSpeaks && spokenMs >= promoteAfterMs) return identity;
    // Two people talking at once must not swap the stage back and forth: only speech begun after
    // the present speaker was chosen can take the stage while that speaker goes on.
    const fresh = utterance.since >= state.dominantSince;
    if (heldSpeaks && fresh && spokenMs >= interruptAfterMs) return identity;
  }
  return held;
}
