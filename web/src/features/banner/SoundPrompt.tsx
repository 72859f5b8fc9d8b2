import { Volume2, VolumeX } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button, Icon } from '../../ui';
import { useCall, useCallState } from '../call/context';
import styles from './Banner.module.css';

/** One click for the sound that the browser holds back until somebody clicks. */
export function SoundPrompt() {
  const { t } = useTranslation('call');
  const { call } = useCall();
  const blocked = useCallState(
    (state) => state.snapshot.soundBlocked && state.recovery.phase === 'live',
  );
  if (!blocked) return null;
  return (
    <section className={styles.banner} aria-label={t('banner.sound')}>
      <Icon icon={VolumeX} />
      <p className={styles.text}>{t('banner.sound')}</p>
      <Button variant="primary" size="sm" icon={Volume2} onClick={() => void call.startAudio()}>
        {t('banner.soundOn')}
      </Button>
    </section>
  );
}
