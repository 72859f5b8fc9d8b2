import { useSyncExternalStore } from 'react';

export type Politeness = 'polite' | 'assertive';

interface Spoken {
  text: string;
  /** Rises with each text, so that the same words twice are spoken twice. */
  turn: number;
}

const spoken: Record<Politeness, Spoken> = {
  polite: { text: '', turn: 0 },
  assertive: { text: '', turn: 0 },
};
const listeners = new Set<() => void>();

/** Has a screen reader speak a text. Assertive interrupts: only for what cannot wait. */
export function announce(text: string, politeness: Politeness = 'polite'): void {
  spoken[politeness] = { text, turn: spoken[politeness].turn + 1 };
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The page's two live regions. Rendered once, by the app. */
export function Announcer() {
  const polite = useSyncExternalStore(subscribe, () => spoken.polite);
  const assertive = useSyncExternalStore(subscribe, () => spoken.assertive);
  return (
    <div className="visually-hidden">
      <div aria-live="polite" role="status">
        <p key={polite.turn}>{polite.text}</p>
      </div>
      <div aria-live="assertive" role="alert">
        <p key={assertive.turn}>{assertive.text}</p>
      </div>
    </div>
  );
}
