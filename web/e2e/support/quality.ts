import type { Page } from 'playwright-core';

/** Milliseconds between two looks at the statistics. */
export const LOOK = 100;

/** What a page's statistics said at one moment: sums since the connection began. */
export interface Sample {
  /** Milliseconds since 1970. */
  at: number;
  framesEncoded: number;
  /** Packets of sound. */
  audioSent: number;
  framesDecoded: number;
  freezes: number;
  frozenSeconds: number;
  /** Of the picture as decoded last. */
  height: number;
  audioPackets: number;
  audioSamples: number;
  concealedSamples: number;
  /** Seconds all sound samples together waited in the jitter buffer, and how many these were. */
  audioDelay: number;
  audioDelayed: number;
  keyFrames: number;
  nacks: number;
  plis: number;
  packetsLost: number;
}

/** What a person had of another one over some time. */
export interface Quality {
  seconds: number;
  /** Share of sound samples that the decoder made up. */
  concealed: number;
  /** Longest time without a packet of sound, to within a look. */
  longestSilenceMs: number;
  /** Share of the time the picture stood, as the browser counts freezes. */
  frozen: number;
  freezes: number;
  /** Longest time without a new picture, to within a look. */
  longestStillMs: number;
  framesPerSecond: number;
  /** Lines of the picture at the end. */
  height: number;
  jitterBufferMs: number;
  keyFrames: number;
  nacks: number;
  plis: number;
}

/** Begins to look at what a page sends and receives, ten times a second, in the page. */
export async function watch(page: Page): Promise<void> {
  await page.evaluate((look) => {
    const scope = window as unknown as { __connections: RTCPeerConnection[]; __samples: Sample[] };
    scope.__samples = [];
    let busy = false;
    setInterval(async () => {
      if (busy) return;
      busy = true;
      const sample: Sample = {
        at: performance.timeOrigin + performance.now(),
        framesEncoded: 0,
        audioSent: 0,
        framesDecoded: 0,
        freezes: 0,
        frozenSeconds: 0,
        height: 0,
        audioPackets: 0,
        audioSamples: 0,
        concealedSamples: 0,
        audioDelay: 0,
        audioDelayed: 0,
        keyFrames: 0,
        nacks: 0,
        plis: 0,
        packetsLost: 0,
      };
      for (const connection of scope.__connections) {
        if (connection.connectionState === 'closed') continue;
        for (const entry of (await connection.getStats()).values()) {
          if (entry.type === 'outbound-rtp') {
            sample.framesEncoded += entry.framesEncoded ?? 0;
            if (entry.kind === 'audio') sample.audioSent += entry.packetsSent ?? 0;
          }
          if (entry.type !== 'inbound-rtp') continue;
          sample.packetsLost += entry.packetsLost ?? 0;
          if (entry.kind === 'video') {
            sample.framesDecoded += entry.framesDecoded ?? 0;
            sample.freezes += entry.freezeCount ?? 0;
            sample.frozenSeconds += entry.totalFreezesDuration ?? 0;
            sample.height = Math.max(sample.height, entry.frameHeight ?? 0);
            sample.keyFrames += entry.keyFramesDecoded ?? 0;
            sample.nacks += entry.nackCount ?? 0;
            sample.plis += entry.pliCount ?? 0;
          } else {
            sample.audioPackets += entry.packetsReceived ?? 0;
            sample.audioSamples += entry.totalSamplesReceived ?? 0;
            sample.concealedSamples += entry.concealedSamples ?? 0;
            sample.audioDelay += entry.jitterBufferDelay ?? 0;
            sample.audioDelayed += entry.jitterBufferEmittedCount ?? 0;
          }
        }
      }
      scope.__samples.push(sample);
      busy = false;
    }, look);
  }, LOOK);
}

/** All that was seen since {@link watch}. */
export function seen(page: Page): Promise<Sample[]> {
  return page.evaluate(() => (window as unknown as { __samples: Sample[] }).__samples);
}

/** Sums up the samples between two moments. */
export function judge(samples: Sample[], from = 0, to = Number.POSITIVE_INFINITY): Quality {
  const { span, first, last } = between(samples, from, to);
  const grown = (key: keyof Sample) => last[key] - first[key];
  const seconds = (last.at - first.at) / 1_000;
  return {
    seconds,
    concealed: grown('concealedSamples') / Math.max(1, grown('audioSamples')),
    longestSilenceMs: longestStandstill(span, 'audioPackets'),
    frozen: grown('frozenSeconds') / seconds,
    freezes: grown('freezes'),
    longestStillMs: longestStandstill(span, 'framesDecoded'),
    framesPerSecond: grown('framesDecoded') / seconds,
    height: last.height,
    jitterBufferMs: (1_000 * grown('audioDelay')) / Math.max(1, grown('audioDelayed')),
    keyFrames: grown('keyFrames'),
    nacks: grown('nacks'),
    plis: grown('plis'),
  };
}

/**
 * Share of the time that a busy machine took from a person: in which their page did not get to look, or their
 * microphone or their encoder stood still where they send.
 */
export function disturbance(samples: Sample[], from = 0, to = Number.POSITIVE_INFINITY): number {
  const { span, first, last } = between(samples, from, to);
  const looks = span.map((sample) => sample.at);
  const growths = (key: 'framesEncoded' | 'audioSent') =>
    first[key] === last[key]
      ? []
      : span
          .filter((sample, index) => sample[key] !== span[index - 1]?.[key] || sample === last)
          .map((sample) => sample.at);
  const lost = Math.max(
    beyond(looks, 2 * LOOK),
    beyond(growths('audioSent'), 2 * LOOK),
    beyond(growths('framesEncoded'), 3 * LOOK),
  );
  return lost / (last.at - first.at);
}

/** Milliseconds of the gaps between moments, each beyond the first `free`. */
function beyond(moments: number[], free: number): number {
  return moments.reduce((sum, at, index) => {
    const before = moments[index - 1];
    return before === undefined ? sum : sum + Math.max(0, at - before - free);
  }, 0);
}

function between(samples: Sample[], from: number, to: number) {
  const span = samples.filter((sample) => sample.at >= from && sample.at <= to);
  const first = span.at(0);
  const last = span.at(-1);
  if (!first || !last || first === last) throw new Error('nothing was watched in this time');
  return { span, first, last };
}

function longestStandstill(span: Sample[], key: keyof Sample): number {
  let longest = 0;
  let since = span[0];
  for (const sample of span) {
    if (!since || sample[key] > since[key]) since = sample;
    longest = Math.max(longest, sample.at - since.at);
  }
  return Math.round(longest);
}
