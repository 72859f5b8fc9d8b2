/** Opening microphone and camera, and saying clearly why one would not open. */

import { findDevice, listDevices, type MediaDevicesLike } from './devices';
import { type SoundMode, soundConstraints } from './sound';

export type CaptureKind = 'audio' | 'video';

/**
 * Why a device did not open.
 *
 * - `denied`: the person or the browser's settings forbid it
 * - `denied_by_system`: the operating system keeps the browser from it
 * - `dismissed`: the question was closed without an answer
 * - `not_found`: there is no such device
 * - `in_use`: another program holds it, or it failed to start
 * - `insecure`: the page is neither HTTPS nor localhost, so the browser gives no devices at all
 * - `failed`: anything else
 */
export type CaptureProblem =
  | 'denied'
  | 'denied_by_system'
  | 'dismissed'
  | 'not_found'
  | 'in_use'
  | 'insecure'
  | 'failed';

/** Reads a rejection of `getUserMedia`. Browsers differ in names and, for the finer points, only in words. */
export function captureProblem(cause: unknown): CaptureProblem {
  const { name = '', message = '' } = (cause ?? {}) as { name?: string; message?: string };
  switch (name) {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
      if (/system/i.test(message)) return 'denied_by_system';
      return /dismiss/i.test(message) ? 'dismissed' : 'denied';
    case 'SecurityError':
      return 'denied';
    case 'NotFoundError':
    case 'DevicesNotFoundError':
    case 'OverconstrainedError':
      return 'not_found';
    case 'NotReadableError':
    case 'TrackStartError':
    case 'AbortError':
      return 'in_use';
    default:
      return 'failed';
  }
}

export interface CaptureWish {
  audio: boolean;
  video: boolean;
  audioInput?: string;
  videoInput?: string;
  sound?: SoundMode;
}

export interface Captured {
  audio?: MediaStreamTrack;
  video?: MediaStreamTrack;
  problems: Partial<Record<CaptureKind, CaptureProblem>>;
}

function constraintsFor(wish: CaptureWish): MediaStreamConstraints {
  return {
    audio: wish.audio && {
      ...(wish.audioInput ? { deviceId: { exact: wish.audioInput } } : {}),
      ...soundConstraints(wish.sound ?? 'speech'),
    },
    video: wish.video && {
      ...(wish.videoInput ? { deviceId: { exact: wish.videoInput } } : {}),
      width: { ideal: 1280 },
      height: { ideal: 720 },
      frameRate: { ideal: 30 },
    },
  };
}

const secondTryMs = 400;

async function openOne(media: MediaDevicesLike, wish: CaptureWish): Promise<MediaStream> {
  try {
    return await media.getUserMedia(constraintsFor(wish));
  } catch (cause) {
    const problem = captureProblem(cause);
    const named = wish.audioInput || wish.videoInput;
    // A remembered device may be gone, or its id may have been renewed: the default one then does.
    if (named && problem === 'not_found') {
      return media.getUserMedia(
        constraintsFor({ ...wish, audioInput: undefined, videoInput: undefined }),
      );
    }
    // The previous page, on reload, sometimes lets go of the camera a moment too late.
    if (problem === 'in_use') {
      await new Promise((resolve) => setTimeout(resolve, secondTryMs));
      return media.getUserMedia(constraintsFor(wish));
    }
    throw cause;
  }
}

function tracksOf(stream: MediaStream): Pick<Captured, 'audio' | 'video'> {
  return { audio: stream.getAudioTracks()[0], video: stream.getVideoTracks()[0] };
}

type PermissionReader = (kind: CaptureKind) => Promise<PermissionState | 'unknown'>;

/** Asks the browser how a permission stands; `unknown` where it cannot tell. */
export async function permissionFor(kind: CaptureKind): Promise<PermissionState | 'unknown'> {
  try {
    const name = (kind === 'audio' ? 'microphone' : 'camera') as PermissionName;
    return (await navigator.permissions.query({ name })).state;
  } catch {
    return 'unknown';
  }
}

/**
 * Opens what is wished, with as few questions as can be: both kinds together first, and each alone only where
 * that needs no further question. Never rejects; what did not open has its problem named.
 */
export async function capture(
  media: MediaDevicesLike | null,
  wish: CaptureWish,
  permission: PermissionReader = permissionFor,
): Promise<Captured> {
  const problems: Captured['problems'] = {};
  if (!media) {
    if (wish.audio) problems.audio = 'insecure';
    if (wish.video) problems.video = 'insecure';
    return { problems };
  }
  const there = await listDevices(media).catch(() => null);
  const present = {
    audio: wish.audio && (there === null || there.audioInput.length > 0),
    video: wish.video && (there === null || there.videoInput.length > 0),
  };
  if (wish.audio && !present.audio) problems.audio = 'not_found';
  if (wish.video && !present.video) problems.video = 'not_found';
  if (!present.audio && !present.video) return { problems };

  const knownId = (list: 'audioInput' | 'videoInput', id: string | undefined) => {
    const devices = there?.[list] ?? [];
    // Without permission ids are withheld, and then the wish is passed on as it is.
    return devices.some((device) => device.id !== '') ? findDevice(devices, id)?.id : id;
  };
  const full: CaptureWish = {
    ...wish,
    ...present,
    audioInput: present.audio ? knownId('audioInput', wish.audioInput) : undefined,
    videoInput: present.video ? knownId('videoInput', wish.videoInput) : undefined,
  };

  try {
    return { ...tracksOf(await openOne(media, full)), problems };
  } catch (cause) {
    const problem = captureProblem(cause);
    if (!(present.audio && present.video)) {
      if (present.audio) problems.audio = problem;
      if (present.video) problems.video = problem;
      return { problems };
    }
    return openApart(media, full, problem, problems, permission);
  }
}

async function openApart(
  media: MediaDevicesLike,
  wish: CaptureWish,
  together: CaptureProblem,
  problems: Captured['problems'],
  permission: PermissionReader,
): Promise<Captured> {
  const refused = together === 'denied' || together === 'dismissed';
  const captured: Captured = { problems };
  for (const kind of ['video', 'audio'] as const) {
    // After a refusal, asking again for what is not allowed yet would only nag.
    if (refused && (await permission(kind)) !== 'granted') {
      problems[kind] = together;
      continue;
    }
    const alone: CaptureWish =
      kind === 'audio'
        ? { ...wish, video: false, videoInput: undefined }
        : { ...wish, audio: false, audioInput: undefined };
    try {
      captured[kind] = tracksOf(await openOne(media, alone))[kind];
    } catch (cause) {
      problems[kind] = captureProblem(cause);
    }
  }
  return captured;
}
