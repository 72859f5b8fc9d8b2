import { type Room, Track } from 'livekit-client';

/** What one picture or sound costs and how well it arrives. Absent values are unknown to the browser. */
export interface TrackStats {
  width?: number;
  height?: number;
  framesPerSecond?: number;
  bitrateBps?: number;
  codec?: string;
  /** Share of packets lost since the call began, from 0 to 1. */
  loss?: number;
  jitterMs?: number;
  roundTripMs?: number;
}

/** Counters of one moment; two of them make a rate. */
export interface StatsSample {
  at: number;
  bytes: number;
  stats: TrackStats;
}

type Entry = Record<string, unknown> & { type: string };

/** Reads the statistics of a participant's track, or null while there is none. */
export async function sampleTrack(
  room: Room,
  identity: string,
  source: 'camera' | 'screen' | 'microphone',
): Promise<StatsSample | null> {
  const participant = room.getParticipantByIdentity(identity);
  const track = participant?.getTrackPublication(
    {
      camera: Track.Source.Camera,
      screen: Track.Source.ScreenShare,
      microphone: Track.Source.Microphone,
    }[source],
  )?.track;
  if (!track) return null;
  const transport = 'receiver' in track ? track.receiver : 'sender' in track ? track.sender : null;
  const report = await (transport as RTCRtpReceiver | RTCRtpSender | null | undefined)
    ?.getStats()
    .catch(() => undefined);
  return report ? readReport([...report.values()] as Entry[]) : null;
}

/** Sums a statistics report up; of several layers the largest stands for the picture. */
export function readReport(entries: readonly Entry[]): StatsSample {
  const sample: StatsSample = { at: 0, bytes: 0, stats: {} };
  let packets = 0;
  let lost = 0;
  for (const entry of entries) {
    const outbound = entry.type === 'outbound-rtp';
    if (entry.type === 'inbound-rtp' || outbound) {
      sample.at = Math.max(sample.at, number(entry.timestamp) ?? 0);
      sample.bytes += number(outbound ? entry.bytesSent : entry.bytesReceived) ?? 0;
      if (!outbound) {
        packets += number(entry.packetsReceived) ?? 0;
        lost += Math.max(0, number(entry.packetsLost) ?? 0);
        sample.stats.jitterMs = milliseconds(entry.jitter);
      }
      if ((number(entry.frameWidth) ?? 0) >= (sample.stats.width ?? 0)) {
        sample.stats.width = number(entry.frameWidth) || undefined;
        sample.stats.height = number(entry.frameHeight) || undefined;
        sample.stats.framesPerSecond = number(entry.framesPerSecond);
      }
    } else if (entry.type === 'codec') {
      sample.stats.codec ??= String(entry.mimeType ?? '').split('/')[1];
    } else if (entry.type === 'remote-inbound-rtp') {
      sample.stats.roundTripMs = milliseconds(entry.roundTripTime);
      sample.stats.loss = number(entry.fractionLost);
    } else if (entry.type === 'candidate-pair' && entry.nominated === true) {
      sample.stats.roundTripMs ??= milliseconds(entry.currentRoundTripTime);
    }
  }
  if (packets + lost > 0) sample.stats.loss = lost / (packets + lost);
  return sample;
}

/** Adds the bitrate that two samples make. */
export function withBitrate(sample: StatsSample, before: StatsSample | null): TrackStats {
  const elapsedMs = before ? sample.at - before.at : 0;
  if (!before || elapsedMs <= 0 || sample.bytes < before.bytes) return sample.stats;
  return { ...sample.stats, bitrateBps: ((sample.bytes - before.bytes) * 8000) / elapsedMs };
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function milliseconds(seconds: unknown): number | undefined {
  const value = number(seconds);
  return value === undefined ? undefined : Math.round(value * 1000);
}
