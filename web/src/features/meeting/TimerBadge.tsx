import { Timer as TimerIcon } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { announce, Icon } from '../../ui';
import { chime } from '../call/chimes';
import { useRoomState } from '../call/context';
import styles from './TimerBadge.module.css';

/** The countdown everybody sees. */
export function TimerBadge() {
  const { t } = useTranslation('call');
  const timer = useRoomState((state) => state.meeting.timer);
  const [now, setNow] = useState(Date.now);
  const endsAt = timer?.endsAt ?? null;

  useEffect(() => {
    if (endsAt === null) return;
    setNow(Date.now());
    const tick = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(tick);
  }, [endsAt]);

  const over = endsAt !== null && now >= endsAt;
  useEffect(() => {
    if (!over) return;
    announce(t('timer.over'), 'assertive');
    chime('hand');
  }, [over, t]);

  if (!timer) return null;
  const left = Math.max(0, Math.ceil((timer.endsAt - now) / 1000));
  const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
  return (
    <p className={styles.badge} data-over={over || undefined} role="timer" aria-live="off">
      <Icon icon={TimerIcon} size={18} />
      {timer.title ? <span>{timer.title}</span> : null}
      <strong className={styles.clock}>{over ? t('timer.over') : clock}</strong>
    </p>
  );
}
