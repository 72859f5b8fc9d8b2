import { MicOff } from 'lucide-react';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { usePreferences } from '../../media/preferences';
import { announce, Button, Icon } from '../../ui';
import { useCall, useCallState, useUi } from '../call/context';
import styles from './Banner.module.css';

const stayMs = 8_000;

/** Tells people that they talk while muted. They can silence it for good. */
export function TalkingHint() {
  const { t } = useTranslation('call');
  const { call, ui } = useCall();
  const talking = useUi((state) => state.talkingMuted);
  const mic = useCallState((state) => state.intent.mic);
  const set = usePreferences((state) => state.set);
  const shown = talking && !mic;

  useEffect(() => {
    if (!talking) return;
    announce(t('notice.talking'));
    const timer = setTimeout(() => ui.setState({ talkingMuted: false }), stayMs);
    return () => clearTimeout(timer);
  }, [talking, ui, t]);

  if (!shown) return null;
  return (
    <section className={styles.banner} aria-label={t('notice.talking')}>
      <Icon icon={MicOff} />
      <p className={styles.text}>
        <strong>{t('notice.talking')}</strong>
      </p>
      <Button
        size="sm"
        variant="ghost"
        onClick={() => {
          set({ talkingHint: false });
          ui.setState({ talkingMuted: false });
        }}
      >
        {t('notice.never')}
      </Button>
      <Button size="sm" variant="primary" onClick={() => call.setMic(true)}>
        {t('notice.unmute')}
      </Button>
    </section>
  );
}
