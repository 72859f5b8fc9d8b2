import { lazy } from 'react';

async function load() {
  const [screen] = await Promise.all([
    import('../features/call/CallScreen'),
    import('../i18n/englishLater'),
  ]);
  return screen;
}

/** The call, in a chunk of its own: the WebRTC SDK weighs more than everything before it. */
export const LazyCallScreen = lazy(load);

/** Fetches the call's chunk ahead of time, while the person looks at their preview. */
export function prefetchCall(): void {
  // A failure here costs nothing: opening the call fetches again, and reports.
  load().catch(() => undefined);
}
