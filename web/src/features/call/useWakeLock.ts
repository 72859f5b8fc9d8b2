import { useEffect } from 'react';

/** Keeps the screen from going dark during the call, where the browser can. */
export function useWakeLock(): void {
  useEffect(() => {
    if (!('wakeLock' in navigator)) return;
    let lock: WakeLockSentinel | null = null;
    let stopped = false;
    const hold = async () => {
      if (document.hidden) return;
      // Refused on low battery: the screen then sleeps as it always does.
      const held = await navigator.wakeLock.request('screen').catch(() => null);
      if (stopped) await held?.release();
      else lock = held;
    };
    const onVisible = () => void hold();
    document.addEventListener('visibilitychange', onVisible);
    void hold();
    return () => {
      stopped = true;
      document.removeEventListener('visibilitychange', onVisible);
      void lock?.release();
    };
  }, []);
}
