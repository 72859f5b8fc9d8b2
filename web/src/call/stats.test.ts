import { describe, expect, it } from 'vitest';
import { readReport, withBitrate } from './stats';

describe('readReport', () => {
  it('describes a received picture', () => {
    const sample = readReport([
      {
        type: 'inbound-rtp',
        timestamp: 1000,
        bytesReceived: 5000,
        packetsReceived: 90,
        packetsLost: 10,
        jitter: 0.012,
        frameWidth: 640,
        frameHeight: 360,
        framesPerSecond: 30,
      },
      { type: 'codec', mimeType: 'video/VP8' },
      { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.05 },
    ]);
    expect(sample.stats).toEqual({
      width: 640,
      height: 360,
      framesPerSecond: 30,
      codec: 'VP8',
      loss: 0.1,
      jitterMs: 12,
      roundTripMs: 50,
    });
  });

  it('adds the layers of a sent picture up and shows the largest', () => {
    const layers = [180, 360, 720].map((frameHeight) => ({
      type: 'outbound-rtp',
      timestamp: 1,
      bytesSent: 100,
      frameWidth: (frameHeight * 16) / 9,
      frameHeight,
    }));
    expect(readReport(layers)).toMatchObject({ bytes: 300, stats: { height: 720 } });
  });

  it('makes a bitrate of two samples, and none of a restarted counter', () => {
    const before = { at: 1000, bytes: 1000, stats: {} };
    expect(withBitrate({ at: 3000, bytes: 251_000, stats: {} }, before).bitrateBps).toBe(1_000_000);
    expect(withBitrate({ at: 3000, bytes: 10, stats: {} }, before).bitrateBps).toBeUndefined();
    expect(withBitrate(before, null).bitrateBps).toBeUndefined();
  });
});
