import { useEffect, useState } from 'react';
import { usePreferences } from '../../media/preferences';

/** The camera as the others would see it: with the background the person chose. Empty until the effect stands. */
export function useBackground(track: MediaStreamTrack | undefined): {
  track: MediaStreamTrack | undefined;
  failed: boolean;
} {
  const background = usePreferences((state) => state.background);
  const [shown, setShown] = useState<MediaStreamTrack>();
  const [failed, setFailed] = useState(false);

  useEffect(() => {
    setFailed(false);
    setShown(undefined);
    if (!track || background === 'none') return;
    let stop: (() => void) | undefined;
    let over = false;
    const start = async () => {
      const { BackgroundEffect } = await import('../../media/background/BackgroundEffect');
      const effect = await BackgroundEffect.start(track, background);
      if (over) effect.stop();
      else {
        stop = () => effect.stop();
        setShown(effect.track);
      }
    };
    start().catch(() => {
      if (!over) setFailed(true);
    });
    return () => {
      over = true;
      stop?.();
    };
  }, [track, background]);

  return { track: background === 'none' ? track : shown, failed };
}
