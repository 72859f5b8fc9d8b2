import type { VideoCodec } from 'livekit-client';
import type { Rules } from '../api/meeting';
import type { CameraLines } from '../media/preferences';

/** What a camera is to send. */
export interface Picture {
  resolution: { width: number; height: number; frameRate: number };
  /** Absent for the SDK's choice. */
  codec?: VideoCodec;
}

type Limits = Rules['media'] | undefined;

/** Frames a second where the room says nothing; a room may allow more. */
const usualRate = 30;

/** What this person wants to send, within what the room allows. The room's first codec that this browser writes counts. */
export function pictureWithin(
  lines: CameraLines,
  limits: Limits,
  writes: (codec: string) => boolean = writesCodec,
): Picture {
  const height = Math.min(lines, limits?.maxHeight ?? lines);
  const frameRate = limits?.maxFps ?? usualRate;
  const codec = limits?.videoCodecs.find(writes) as VideoCodec | undefined;
  return {
    resolution: { width: Math.round((height * 16) / 9), height, frameRate },
    ...(codec ? { codec } : {}),
  };
}

/** Whether two pictures are sent the same way. */
export function samePicture(one: Picture, other: Picture): boolean {
  return (
    one.codec === other.codec &&
    one.resolution.height === other.resolution.height &&
    one.resolution.frameRate === other.resolution.frameRate
  );
}

function writesCodec(codec: string): boolean {
  const known = RTCRtpSender.getCapabilities?.('video')?.codecs ?? [];
  return known.some(({ mimeType }) => mimeType.toLowerCase() === `video/${codec}`);
}
