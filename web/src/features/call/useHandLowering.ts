import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { announce, showToast } from '../../ui';
import { useCall } from './context';

/** Someone with a raised hand has had their say after speaking this long, in ms. */
const saidMs = 4_000;
/** And has finished once they are silent for this long, in ms. */
const finishedMs = 2_000;

/** Lowers one's own hand after one has spoken, and offers to raise it again. */
export function useHandLowering(): void {
  const { t } = useTranslation('call');
  const { call } = useCall();

  useEffect(() => {
    let spoken = 0;
    let since: number | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const lower = () => {
      spoken = 0;
      void call.setHand(false);
      announce(t('notice.handLowered'));
      showToast({
        text: t('notice.handLowered'),
        key: 'hand',
        action: { label: t('notice.undo'), run: () => void call.setHand(true) },
      });
    };

    const unsubscribe = call.store.subscribe(({ snapshot, intent }) => {
      const speaking = snapshot.participants.some((one) => one.isLocal && one.speaking);
      if (!intent.hand) {
        spoken = 0;
        since = null;
        clearTimeout(timer);
        return;
      }
      if (speaking && since === null) {
        since = performance.now();
        clearTimeout(timer);
      } else if (!speaking && since !== null) {
        spoken += performance.now() - since;
        since = null;
        if (spoken >= saidMs) timer = setTimeout(lower, finishedMs);
      }
    });
    return () => {
      clearTimeout(timer);
      unsubscribe();
    };
  }, [call, t]);
}
