/** Louder than this counts as speech into the microphone, as a root mean square of samples in [-1, 1]. */
const loudness = 0.025;
/** So much speech within the window makes a hint, in ms. */
const enoughMs = 500;
const windowMs = 1_500;
const everyMs = 100;

/** Listens, on this device only, whether somebody talks into a muted microphone. */
export class MutedSpeech {
  private context: AudioContext | null = null;
  private copy: MediaStreamTrack | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly onSpeech: () => void) {}

  /** Listens to a copy of `track`, which itself stays silent. */
  start(track: MediaStreamTrack): void {
    this.stop();
    if (typeof AudioContext === 'undefined') return;
    const copy = track.clone();
    copy.enabled = true;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    context.createMediaStreamSource(new MediaStream([copy])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const meter = new SpeechMeter();
    this.copy = copy;
    this.context = context;
    this.timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      if (meter.feed(rootMeanSquare(samples), performance.now())) this.onSpeech();
    }, everyMs);
  }

  stop(): void {
    clearInterval(this.timer);
    this.copy?.stop();
    this.copy = null;
    // Closing twice is the only way this rejects, and then it is closed.
    this.context?.close().catch(() => undefined);
    this.context = null;
  }
}

/** Counts loud moments in a sliding window; says true once when there are enough of them. */
export class SpeechMeter {
  private loud: number[] = [];

  feed(level: number, now: number): boolean {
    this.loud = this.loud.filter((at) => now - at < windowMs);
    if (level >= loudness) this.loud.push(now);
    if (this.loud.length * everyMs < enoughMs) return false;
    this.loud = [];
    return true;
  }
}

function rootMeanSquare(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / samples.length);
}
