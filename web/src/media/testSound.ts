/** The sound that tells a person their speaker works: three soft notes, made on the spot. */

const notesHz = [523.25, 659.25, 783.99];
const noteSeconds = 0.22;

// Without a working sound system a context stays suspended, and some browsers then never answer.
const startsWithinMs = 2_000;

/** Whether this browser can send sound to a chosen speaker. */
export function canChooseSpeaker(): boolean {
  return 'setSinkId' in HTMLMediaElement.prototype;
}

/**
 * Plays the test sound on a speaker; absent means the system's. Resolves when it has ended or was aborted,
 * and rejects when the speaker cannot be used.
 */
export async function playTestSound(speaker?: string, signal?: AbortSignal): Promise<void> {
  const context = new AudioContext();
  const element = new Audio();
  try {
    await running(context);
    const out = context.createMediaStreamDestination();
    element.srcObject = out.stream;
    if (speaker && canChooseSpeaker()) await element.setSinkId(speaker);
    await element.play();
    const begin = context.currentTime + 0.08;
    notesHz.forEach((frequency, index) => {
      const at = begin + index * noteSeconds;
      const oscillator = context.createOscillator();
      const gain = context.createGain();
      oscillator.type = 'sine';
      oscillator.frequency.value = frequency;
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(0.35, at + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.001, at + noteSeconds * 2.4);
      oscillator.connect(gain).connect(out);
      oscillator.start(at);
      oscillator.stop(at + noteSeconds * 2.5);
    });
    const lastsMs = (notesHz.length + 2) * noteSeconds * 1000;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, lastsMs);
      signal?.addEventListener(
        'abort',
        () => {
          clearTimeout(timer);
          resolve();
        },
        { once: true },
      );
    });
  } finally {
    element.pause();
    element.srcObject = null;
    await context.close();
  }
}

async function running(context: AudioContext): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the sound system did not start')), startsWithinMs);
  });
  try {
    await Promise.race([context.resume(), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
