import { Mic, Volume2 } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type DevicePhase, playTestSound, useLevel } from '../../media';
import { usePreferences } from '../../media/preferences';
import { Button, Icon } from '../../ui';
import styles from './SoundCheck.module.css';

interface MicMeterProps {
  track: MediaStreamTrack | undefined;
  /** How the microphone stands, where that is known better than by its track. */
  phase?: DevicePhase;
}

/** How loud the microphone is. The bar is for the eye; the text beside it says what it shows. */
export function MicMeter({ track, phase = track ? 'on' : 'off' }: MicMeterProps) {
  const { t } = useTranslation('prejoin');
  const bar = useLevel<HTMLDivElement>(track);
  return (
    <div className={styles.meter}>
      <Icon icon={Mic} size={18} />
      <span className={styles.label}>{t(`meter.${phase}`)}</span>
      <div ref={bar} className={styles.bar} aria-hidden="true">
        <span className={styles.fill} />
      </div>
    </div>
  );
}

/** Plays a sound on the chosen speaker. */
export function SpeakerTest() {
  const { t } = useTranslation('prejoin');
  const speaker = usePreferences((state) => state.audioOutput);
  const [state, setState] = useState<'idle' | 'playing' | 'failed'>('idle');
  const abort = useRef<AbortController>(null);

  useEffect(() => () => abort.current?.abort(), []);

  const play = async () => {
    abort.current = new AbortController();
    setState('playing');
    try {
      await playTestSound(speaker, abort.current.signal);
      setState('idle');
    } catch {
      setState('failed');
    }
  };

  const playing = state === 'playing';
  return (
    <div className={styles.speaker}>
      <Button
        size="sm"
        icon={Volume2}
        aria-disabled={playing || undefined}
        onClick={playing ? undefined : play}
      >
        {t('testSpeaker')}
      </Button>
      <span className={styles.result} role="status">
        {playing ? t('playing') : state === 'failed' ? t('speakerFailed') : null}
      </span>
    </div>
  );
}
