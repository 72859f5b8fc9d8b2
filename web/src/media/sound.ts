/** How the microphone is treated between the device and the others' ears. */

/**
 * - `speech`: the browser's echo cancellation, gain and noise suppression
 * - `strong`: as speech, with RNNoise in the place of the browser's noise suppression
 * - `plain`: echo cancellation and gain alone
 * - `music`: nothing at all, in stereo
 */
export const soundModes = ['speech', 'strong', 'plain', 'music'] as const;
export type SoundMode = (typeof soundModes)[number];

/** What Opus may use for music, in kbit/s. */
export const musicRates = [128, 256, 510] as const;
export type MusicRate = (typeof musicRates)[number];

/** What is asked of the browser when the microphone is opened. */
export interface SoundConstraints {
  echoCancellation: boolean;
  autoGainControl: boolean;
  noiseSuppression: boolean;
  /** Chromium's newer name for suppression of everything but the voice. */
  voiceIsolation: boolean;
  channelCount?: number;
}

export function soundConstraints(mode: SoundMode): SoundConstraints {
  const speech = mode !== 'music';
  const browserNoise = mode === 'speech';
  return {
    echoCancellation: speech,
    autoGainControl: speech,
    noiseSuppression: browserNoise,
    voiceIsolation: browserNoise,
    ...(speech ? {} : { channelCount: 2 }),
  };
}
