import {
  ConnectionQuality,
  type LocalTrackPublication,
  type Participant,
  type RemoteParticipant,
  type RemoteTrackPublication,
  type Room,
  Track,
  type TrackPublication,
} from 'livekit-client';
import { type Role, roles } from '../api/meeting';
import { secondCameraName } from './ExtraSources';
import type { CallSnapshot, ParticipantView, Quality, VideoHandle, VideoView } from './model';
import { recordingAttribute } from './recordingAttribute';
import type { Secrecy } from './secrecy/Secrecy';

const handles = new WeakMap<Track, VideoHandle>();

/** Reads a Room into plain values, keeping the previous objects for whatever did not change. */
export function readSnapshot(
  room: Room,
  previous: CallSnapshot,
  secrecy: Pick<Secrecy, 'understanding'>,
): CallSnapshot {
  const before = new Map(previous.participants.map((view) => [view.identity, view]));
  const remote = [...room.remoteParticipants.values()].sort(byJoining);
  const everyone: Participant[] = [room.localParticipant, ...remote];
  const participants = everyone
    .filter((participant) => participant.identity !== '')
    .map((participant) =>
      keep(before.get(participant.identity), readParticipant(participant, secrecy)),
    );
  const speakers = room.activeSpeakers.map(({ identity }) => identity);
  const next: CallSnapshot = {
    participants: sameList(previous.participants, participants)
      ? previous.participants
      : participants,
    speakers: sameList(previous.speakers, speakers) ? previous.speakers : speakers,
    soundBlocked: !room.canPlaybackAudio,
  };
  return same(previous, next) ? previous : next;
}

function readParticipant(
  participant: Participant,
  secrecy: Pick<Secrecy, 'understanding'>,
): ParticipantView {
  const mic = participant.getTrackPublication(Track.Source.Microphone);
  return {
    identity: participant.identity,
    name: participant.name || participant.identity,
    isLocal: participant.isLocal,
    joinedAt: participant.joinedAt?.getTime() ?? 0,
    micOn: mic !== undefined && !mic.isMuted,
    speaking: participant.isSpeaking && mic !== undefined && !mic.isMuted,
    quality: quality(participant.connectionQuality),
    camera: readVideo(participant.getTrackPublication(Track.Source.Camera)),
    screen: readVideo(participant.getTrackPublication(Track.Source.ScreenShare)),
    second: readVideo(participant.getTrackPublicationByName(secondCameraName)),
    understanding: participant.isLocal
      ? 'same'
      : secrecy.understanding(participant as RemoteParticipant),
    role: readRole(participant.attributes?.['tertulia.role']),
    recording: participant.attributes?.[recordingAttribute] === 'local',
    screenSound: participant.getTrackPublication(Track.Source.ScreenShareAudio) !== undefined,
  };
}

function readRole(text: string | undefined): Role {
  return roles.find((role) => role === text) ?? 'participant';
}

function readVideo(found: TrackPublication | undefined): VideoView | null {
  const publication = found as RemoteTrackPublication | LocalTrackPublication | undefined;
  if (publication?.kind !== Track.Kind.Video) return null;
  const track = publication.track;
  const usable = track !== undefined && !publication.isMuted && isShown(publication);
  return {
    sid: publication.trackSid,
    handle: usable ? handleFor(track) : null,
    muted: publication.isMuted,
    paused: track?.streamState === Track.StreamState.Paused,
  };
}

function isShown(publication: TrackPublication): boolean {
  return publication.isLocal || publication.isSubscribed;
}

function handleFor(track: Track): VideoHandle {
  const known = handles.get(track);
  if (known) return known;
  const handle: VideoHandle = {
    attach(element) {
      track.attach(element);
      return () => {
        track.detach(element);
      };
    },
  };
  handles.set(track, handle);
  return handle;
}

function quality(value: ConnectionQuality): Quality {
  switch (value) {
    case ConnectionQuality.Excellent:
      return 'excellent';
    case ConnectionQuality.Good:
      return 'good';
    case ConnectionQuality.Poor:
      return 'poor';
    case ConnectionQuality.Lost:
      return 'lost';
    default:
      return 'unknown';
  }
}

function byJoining(a: Participant, b: Participant): number {
  const difference = (a.joinedAt?.getTime() ?? 0) - (b.joinedAt?.getTime() ?? 0);
  return difference || (a.identity < b.identity ? -1 : 1);
}

function keep(before: ParticipantView | undefined, after: ParticipantView): ParticipantView {
  if (!before) return after;
  const camera = keepVideo(before.camera, after.camera);
  const screen = keepVideo(before.screen, after.screen);
  const second = keepVideo(before.second, after.second);
  const merged = { ...after, camera, screen, second };
  return same(before, merged) ? before : merged;
}

function keepVideo(before: VideoView | null, after: VideoView | null): VideoView | null {
  return before && after && same(before, after) ? before : after;
}

function same<T extends object>(a: T, b: T): boolean {
  const keys = Object.keys(a) as (keyof T)[];
  return keys.every((key) => a[key] === b[key]);
}

function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
