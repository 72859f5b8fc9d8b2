import { useEffect, useRef, useState } from 'react';
import { nextSpeaker, noSpeaker, type SpeakerState, speakerDelay } from '../../layout';
import { useCall } from '../call/context';

/** Who the stage turns to, and when everybody was last heard. */
export interface Speaking {
  /** Identity of the dominant speaker among the others. */
  dominant: string | null;
  lastSpokeAt: ReadonlyMap<string, number>;
}

/** Follows who speaks, with the patience of `nextSpeaker`. */
export function useSpeaker(): Speaking {
  const { call } = useCall();
  const state = useRef<SpeakerState>(noSpeaker);
  const lastSpokeAt = useRef(new Map<string, number>());
  const [dominant, setDominant] = useState<string | null>(null);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      clearTimeout(timer);
      const { participants, speakers } = call.store.getState().snapshot;
      const others = participants.filter(({ isLocal }) => !isLocal);
      const present = new Set(others.map(({ identity }) => identity));
      const now = performance.now();
      for (const identity of speakers) lastSpokeAt.current.set(identity, now);
      state.current = nextSpeaker(
        state.current,
        speakers.filter((identity) => present.has(identity)),
        present,
        now,
      );
      setDominant(state.current.dominant);
      const delay = speakerDelay(state.current, now);
      if (delay !== null) timer = setTimeout(look, delay);
    };
    look();
    const unsubscribe = call.store.subscribe((after, before) => {
      const changed =
        after.snapshot.speakers !== before.snapshot.speakers ||
        after.snapshot.participants !== before.snapshot.participants;
      if (changed) look();
    });
    return () => {
      clearTimeout(timer);
      unsubscribe();
    };
  }, [call]);

  return { dominant, lastSpokeAt: lastSpokeAt.current };
}
