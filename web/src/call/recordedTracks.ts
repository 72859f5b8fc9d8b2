import { type Room, Track } from 'livekit-client';
import type { StoreApi } from 'zustand/vanilla';
import type { CallState } from './RoomController';

/** All sound of a meeting, one's own included. */
export interface RecordedTracks {
  list(): MediaStreamTrack[];
  /** Calls back whenever the list may be another; returns the end of it. */
  follow(changed: () => void): () => void;
}

/** Reads the sound of whatever Room there is at the moment. */
export function recordedTracks(
  room: () => Room | null,
  store: StoreApi<CallState>,
): RecordedTracks {
  return {
    list() {
      const current = room();
      if (!current) return [];
      const everyone = [current.localParticipant, ...current.remoteParticipants.values()];
      return everyone.flatMap((participant) =>
        [...participant.trackPublications.values()].flatMap(({ track, isMuted }) =>
          track && track.kind === Track.Kind.Audio && !isMuted ? [track.mediaStreamTrack] : [],
        ),
      );
    },
    follow: (changed) => store.subscribe(changed),
  };
}
