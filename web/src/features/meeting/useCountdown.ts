import { useEffect, useState } from 'react';

export interface Countdown {
  /** Whole seconds left; null where nothing is counted down. */
  left: number | null;
  over: boolean;
  /** As m:ss. */
  clock: string;
}

/** Counts down to a moment, in ms since the epoch. */
export function useCountdown(endsAt: number | null): Countdown {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (endsAt === null) return;
    setNow(Date.now());
    const tick = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(tick);
  }, [endsAt]);
  if (endsAt === null) return { left: null, over: false, clock: '' };
  const left = Math.max(0, Math.ceil((endsAt - now) / 1000));
  const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
  return { left, over: now >= endsAt, clock };
}
