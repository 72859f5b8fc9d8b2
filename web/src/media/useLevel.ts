import { type RefObject, useEffect, useRef } from 'react';
import { measureLevel } from './level';

/**
 * Writes a track's level into the CSS variable `--level` (0…1) of the returned element.
 * It bypasses React on purpose: thirty renders a second would cost more than the picture shows.
 */
export function useLevel<T extends HTMLElement>(
  track: MediaStreamTrack | undefined,
): RefObject<T | null> {
  const element = useRef<T>(null);
  useEffect(() => {
    const node = element.current;
    if (!track || !node) return;
    const stop = measureLevel(track, (level) => {
      node.style.setProperty('--level', level.toFixed(3));
    });
    return () => {
      stop();
      node.style.setProperty('--level', '0');
    };
  }, [track]);
  return element;
}
