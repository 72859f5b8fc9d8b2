import { WifiOff } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { showsBanner } from '../../call/recovery';
import { announce, Button, Icon, Spinner } from '../../ui';
import { useCall, useCallState } from '../call/context';
import styles from './Banner.module.css';

/** Tells that the connection is lost, how it goes with getting it back, and lets people give up. */
export function ConnectionBanner() {
  const { t } = useTranslation('call');
  const { call } = useCall();
  const recovery = useCallState((state) => state.recovery);
  const entered = useCallState((state) => state.entered);
  const now = useNow(recovery.phase !== 'live');
  const shown = entered && showsBanner(recovery, now);

  useEffect(() => {
    if (shown) announce(t('banner.reconnecting'), 'assertive');
  }, [shown, t]);

  if (!shown) return null;
  const waitMs = recovery.phase === 'rebuilding' ? recovery.retryAt - now : 0;
  const text =
    recovery.phase === 'rebuilding' && recovery.attempt > 0
      ? waitMs > 900
        ? t('banner.rebuilding', { count: Math.ceil(waitMs / 1000) })
        : t('banner.trying')
      : t('banner.reconnecting');
  return (
    <section className={styles.banner} data-tone="warning" aria-label={t('banner.reconnecting')}>
      <Icon icon={WifiOff} />
      <p className={styles.text}>
        <strong>{text}</strong>
        <span>{t('banner.hint')}</span>
      </p>
      <Spinner size={20} />
      <Button size="sm" variant="danger" onClick={() => call.leave()}>
        {t('banner.hangUp')}
      </Button>
    </section>
  );
}

function useNow(running: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!running) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [running]);
  return now;
}
