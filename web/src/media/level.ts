/** How loud a microphone is. */

const quietDb = -60;
const loudDb = -12;

/** Maps samples (−1…1) to a level of 0…1, on a scale of decibels that fits a voice. */
export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  if (rms === 0) return 0;
  const db = 20 * Math.log10(rms);
  return Math.min(1, Math.max(0, (db - quietDb) / (loudDb - quietDb)));
}

/**
 * Measures a track about thirty times a second: rises at once, falls gently. Returns the end of measuring.
 * Reports nothing where the browser has no Web Audio.
 */
export function measureLevel(
  track: MediaStreamTrack,
  onLevel: (level: number) => void,
): () => void {
  if (typeof AudioContext === 'undefined') return () => undefined;
  const context = new AudioContext();
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let shown = 0;
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    shown = Math.max(levelOf(samples), shown * 0.85);
    onLevel(shown);
  }, 33);
  // Some browsers start a context only after the first click or key.
  const wake = () => void context.resume().catch(() => undefined);
  const events = ['pointerdown', 'keydown'] as const;
  for (const event of events) document.addEventListener(event, wake);
  return () => {
    clearInterval(timer);
    for (const event of events) document.removeEventListener(event, wake);
    source.disconnect();
    context.close().catch(() => undefined);
  };
}
