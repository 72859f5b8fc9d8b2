import { TriangleAlert, VideoOff } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { announce, Button, Icon } from '../../ui';
import { useCall, useCallState } from '../call/context';
import styles from './Banner.module.css';

/** A weak connection is told once it has lasted this long, in ms. */
const patienceMs = 6_000;

/** Says when one's own connection is weak and offers to go on without incoming video. */
export function WeakNetwork() {
  const { t } = useTranslation('call');
  const { call } = useCall();
  const audioOnly = useCallState((state) => state.audioOnly);
  const weak = useCallState((state) => {
    const quality = state.snapshot.participants.find(({ isLocal }) => isLocal)?.quality;
    return state.recovery.phase === 'live' && (quality === 'poor' || quality === 'lost');
  });
  const [lasting, setLasting] = useState(false);

  useEffect(() => {
    if (!weak) {
      setLasting(false);
      return;
    }
    const timer = setTimeout(() => {
      setLasting(true);
      announce(t('banner.weak'));
    }, patienceMs);
    return () => clearTimeout(timer);
  }, [weak, t]);

  if (audioOnly) {
    return (
      <section className={styles.banner} aria-label={t('banner.audioOnly')}>
        <Icon icon={VideoOff} />
        <p className={styles.text}>{t('banner.audioOnly')}</p>
        <Button size="sm" onClick={() => call.setAudioOnly(false)}>
          {t('banner.audioOnlyOff')}
        </Button>
      </section>
    );
  }
  if (!lasting) return null;
  return (
    <section className={styles.banner} data-tone="warning" aria-label={t('banner.weak')}>
      <Icon icon={TriangleAlert} />
      <p className={styles.text}>{t('banner.weak')}</p>
      <Button size="sm" variant="ghost" onClick={() => setLasting(false)}>
        {t('banner.hide')}
      </Button>
      <Button size="sm" onClick={() => call.setAudioOnly(true)}>
        {t('banner.weakAction')}
      </Button>
    </section>
  );
}
