import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { usePreferences } from '../../media/preferences';
import { announce } from '../../ui';
import { chime } from './chimes';
import { useCall } from './context';
import { PresenceWatch, presenceBatchMs } from './presence';

/** After coming back, others come back too for a while, which is no news. In ms. */
const returnMs = 8_000;

/** Announces who joins and leaves, several together. */
export function usePresence(): void {
  const { t } = useTranslation('call');
  const { call } = useCall();

  useEffect(() => {
    const watch = new PresenceWatch();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let quietUntil = 0;

    const tell = () => {
      timer = undefined;
      const { joined, left } = watch.take();
      const sounds = usePreferences.getState().sounds.joinLeave;
      const [arrived] = joined;
      const [gone] = left;
      if (arrived !== undefined) {
        const count = joined.length - 1;
        announce(
          count > 0
            ? t('notice.joinedWith', { name: arrived, count })
            : t('notice.joined', { name: arrived }),
        );
        if (sounds) chime('join');
      }
      if (gone !== undefined) {
        const count = left.length - 1;
        announce(
          count > 0
            ? t('notice.leftWith', { name: gone, count })
            : t('notice.left', { name: gone }),
        );
        if (sounds) chime('leave');
      }
    };

    const unsubscribe = call.store.subscribe((after, before) => {
      if (after.recovery.phase !== 'live' && after.recovery.phase !== 'blip') {
        watch.forget();
        clearTimeout(timer);
        timer = undefined;
        if (after.entered) quietUntil = Date.now() + returnMs;
        return;
      }
      if (after.snapshot.participants === before.snapshot.participants) return;
      const others = after.snapshot.participants.filter(({ isLocal }) => !isLocal);
      if (Date.now() < quietUntil) watch.forget();
      if (watch.see(others)) timer ??= setTimeout(tell, presenceBatchMs);
    });
    return () => {
      clearTimeout(timer);
      unsubscribe();
    };
  }, [call, t]);
}
