import { useSyncExternalStore } from 'react';

/** Says whether the browser can show a page on the full screen (iPhones cannot). */
export function canFullScreen(): boolean {
  return document.fullscreenEnabled === true;
}

/** Goes to the full screen with everything, controls included, or back. */
export async function toggleFullScreen(): Promise<void> {
  if (document.fullscreenElement) await document.exitFullscreen();
  else await document.documentElement.requestFullscreen({ navigationUI: 'hide' });
}

/** Follows whether the page has the full screen. */
export function useFullScreen(): boolean {
  return useSyncExternalStore(subscribe, () => document.fullscreenElement !== null);
}

function subscribe(changed: () => void): () => void {
  document.addEventListener('fullscreenchange', changed);
  return () => document.removeEventListener('fullscreenchange', changed);
}
