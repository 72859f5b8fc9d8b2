/** The little sounds of a call, made rather than fetched: pairs of frequency in Hz and start in s. */
const tunes = {
  join: [
    [523, 0],
    [784, 0.09],
  ],
  leave: [
    [659, 0],
    [440, 0.1],
  ],
  chat: [[880, 0]],
  hand: [
    [659, 0],
    [659, 0.12],
    [988, 0.24],
  ],
  reaction: [[1047, 0]],
  recording: [
    [440, 0],
    [440, 0.2],
  ],
} as const;

const length = 0.18;
const volume = 0.06;
let context: AudioContext | null = null;

/** Plays a short quiet sound. Does nothing where the browser holds sound back. */
export function chime(tune: keyof typeof tunes): void {
  if (typeof AudioContext === 'undefined') return;
  context ??= new AudioContext();
  if (context.state !== 'running') return;
  for (const [frequency, start] of tunes[tune]) {
    const at = context.currentTime + start;
    const gain = context.createGain();
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(volume, at + 0.015);
    gain.gain.exponentialRampToValueAtTime(0.0001, at + length);
    const tone = context.createOscillator();
    tone.type = 'sine';
    tone.frequency.value = frequency;
    tone.connect(gain).connect(context.destination);
    tone.start(at);
    tone.stop(at + length);
  }
}
