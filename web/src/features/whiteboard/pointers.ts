/** Where somebody points on the whiteboard. */
export interface Pointer {
  x: number;
  y: number;
  down: boolean;
}

/** A pointer that has not moved for so long is taken away. In ms. */
const restMs = 8_000;
/** At most so often others are told. In ms. */
export const paceMs = 80;
/** Beyond this nobody draws. */
const farthest = 1_000_000;

export const pointerTopic = 'tertulia.board.pointer';

/** The shortest form that says it: what one sends. */
export function written({ x, y, down }: Pointer): number[] {
  return [Math.round(x), Math.round(y), down ? 1 : 0];
}

/** Reads what somebody sent; `null` where it is no pointer. */
export function read(message: unknown): Pointer | null {
  if (!Array.isArray(message) || message.length !== 3) return null;
  const [x, y, down] = message as unknown[];
  if (typeof x !== 'number' || typeof y !== 'number') return null;
  if (!(Math.abs(x) <= farthest && Math.abs(y) <= farthest)) return null;
  return { x, y, down: down === 1 };
}

/** Others' pointers. */
export class Pointers {
  private readonly known = new Map<string, Pointer & { at: number }>();

  note(identity: string, pointer: Pointer, now: number): void {
    this.known.set(identity, { ...pointer, at: now });
  }

  /** Those who point, of the people who are here. */
  shown(here: ReadonlySet<string>, now: number): ReadonlyMap<string, Pointer> {
    for (const [identity, { at }] of this.known) {
      if (!here.has(identity) || now - at > restMs) this.known.delete(identity);
    }
    return this.known;
  }
}

/** Runs the newest of what it is given, at most every `ms`, and the last of it for sure. */
export function paced<T>(ms: number, run: (value: T) => void): (value: T) => void {
  let waiting: { value: T } | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const next = () => {
    timer = null;
    if (!waiting) return;
    const { value } = waiting;
    waiting = null;
    timer = setTimeout(next, ms);
    run(value);
  };
  return (value) => {
    waiting = { value };
    if (timer === null) next();
  };
}

/** A colour for somebody, the same on every screen. */
export function colourOf(identity: string): string {
  let hash = 0;
  for (const character of identity) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 360;
  return `hsl(${hash} 70% 38%)`;
}
