import { Timer as TimerIcon } from 'lucide-react';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { announce, Icon } from '../../ui';
import { chime } from '../call/chimes';
import { useRoomState } from '../call/context';
import styles from './TimerBadge.module.css';
import { useCountdown } from './useCountdown';

/** The countdown everybody sees. */
export function TimerBadge() {
  const { t } = useTranslation('call');
  const timer = useRoomState((state) => state.meeting.timer);
  const { over, clock } = useCountdown(timer?.endsAt ?? null);
  useEffect(() => {
    if (!over) return;
    announce(t('timer.over'), 'assertive');
    chime('hand');
  }, [over, t]);

  if (!timer) return null;
  return (
    <p className={styles.badge} data-over={over || undefined} role="timer" aria-live="off">
      <Icon icon={TimerIcon} size={18} />
      {timer.title ? <span>{timer.title}</span> : null}
      <strong className={styles.clock}>{over ? t('timer.over') : clock}</strong>
    </p>
  );
}
