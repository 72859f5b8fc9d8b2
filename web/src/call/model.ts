import type { Role } from '../api/meeting';
import type { Understanding } from './secrecy/Secrecy';

/** How well a participant's connection does, as the server judges it. */
export type Quality = 'excellent' | 'good' | 'poor' | 'lost' | 'unknown';

/** Shows a picture in an element until the returned function is called. */
export interface VideoHandle {
  attach(element: HTMLVideoElement): () => void;
}

/** A picture somebody publishes. */
export interface VideoView {
  sid: string;
  /** Absent while the picture is muted or has not arrived. */
  handle: VideoHandle | null;
  /** The publisher switched it off. */
  muted: boolean;
  /** The server holds it back for lack of bandwidth. */
  paused: boolean;
}

/** A participant as the screen needs to know them. A new object whenever anything in it changed. */
export interface ParticipantView {
  identity: string;
  name: string;
  isLocal: boolean;
  /** ms since the epoch. */
  joinedAt: number;
  /** Whether their microphone is live. */
  micOn: boolean;
  speaking: boolean;
  quality: Quality;
  camera: VideoView | null;
  screen: VideoView | null;
  /** A second camera, say one over the desk. */
  second: VideoView | null;
  /** Whether the shared screen brings sound along. */
  screenSound: boolean;
  /** Whether we can make anything of what they send, and they of ours. */
  understanding: Understanding;
  /** What they are in the room. */
  role: Role;
  /** They record the meeting on their own device. */
  recording: boolean;
}

/** The participants of a call at one moment: oneself first, then by time of joining. */
export interface CallSnapshot {
  participants: readonly ParticipantView[];
  /** Identities of those who speak, the loudest first. */
  speakers: readonly string[];
  /** The browser plays no sound until the person clicks something. */
  soundBlocked: boolean;
}

export const emptySnapshot: CallSnapshot = { participants: [], speakers: [], soundBlocked: false };

/** What the person wants of their own devices; it survives every reconnection. */
export interface MediaIntent {
  mic: boolean;
  camera: boolean;
  hand: boolean;
}

/** Why a device could not be used. */
export type DeviceTrouble = 'denied' | 'missing' | 'busy' | 'failed';

/** Tells the causes of a failed capture apart by the DOMException that reported it. */
export function deviceTrouble(error: unknown): DeviceTrouble | null {
  if (!(error instanceof Error)) return null;
  switch (error.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    case 'TypeError':
      // `navigator.mediaDevices` is absent where the page is not a secure context.
      return typeof navigator !== 'undefined' && navigator.mediaDevices ? null : 'failed';
    default:
      return null;
  }
}
