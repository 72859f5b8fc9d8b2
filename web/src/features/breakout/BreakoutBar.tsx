import { LifeBuoy, Megaphone, Split, Undo2, X } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { announce, Button, Icon, IconButton, showToast } from '../../ui';
import styles from '../banner/Banner.module.css';
import { useCall, useCallState, useRoomState, useUi } from '../call/context';
import { useCommand } from '../meeting/useCommand';
import { useCountdown } from '../meeting/useCountdown';
import { useMay } from '../meeting/useMay';
import own from './BreakoutBar.module.css';

/** Seconds before the end at which it is said aloud. */
const warnings = [60, 10] as const;

/** Where somebody in a breakout room is, for how long, and what they can do about it; and what was said to all. */
export function BreakoutBar() {
  return (
    <>
      <Place />
      <Broadcast />
    </>
  );
}

function Place() {
  const { t } = useTranslation('call');
  const command = useCommand();
  const moving = useCallState((state) => state.moving);
  const away = useRoomState(({ meeting }) => meeting.mainRoom !== null);
  const breakouts = useRoomState(({ meeting }) => meeting.breakouts);
  const leads = useMay('manage_breakouts');
  const open = breakouts?.open === true;
  const { left, clock } = useCountdown(open && away ? breakouts.endsAt : null);
  const warned = useRef<number | null | undefined>(undefined);
  const warning = left === null ? null : (warnings.findLast((at) => left <= at) ?? null);
  useEffect(() => {
    const before = warned.current;
    warned.current = left === null ? undefined : warning;
    // Whoever comes in when little is left sees that; said is what changes.
    if (left === null || warning === null || before === undefined || before === warning) return;
    const text = t('breakout.secondsLeft', { count: left });
    announce(text, 'assertive');
    showToast({ text, key: 'breakouts' });
  }, [warning, left, t]);

  const room = breakouts?.rooms.find(({ id }) => id === breakouts.place)?.name;
  if (moving) {
    return (
      <p className={styles.banner} role="status">
        <Icon icon={Split} />
        <span className={styles.text}>
          {room ? t('breakout.goingTo', { room }) : t('breakout.goingBack')}
        </span>
      </p>
    );
  }
  if (!away || !breakouts) return null;
  return (
    <section
      className={styles.banner}
      aria-label={t('action.breakouts')}
      data-tone={breakouts.closing || (left !== null && left <= 60) ? 'warning' : undefined}
    >
      <Icon icon={Split} />
      <p className={styles.text}>
        <strong>{room ?? t('action.breakouts')}</strong>
        {clock ? (
          <span role="timer" aria-live="off" className={own.clock}>
            {t(breakouts.closing ? 'breakout.closesIn' : 'breakout.endsIn', { time: clock })}
          </span>
        ) : null}
        {breakouts.helpCalled && !leads ? <span>{t('breakout.helpCalled')}</span> : null}
      </p>
      <div className={styles.answers}>
        {leads ? null : (
          <Button
            size="sm"
            icon={LifeBuoy}
            onClick={() => void command('PUT', 'breakouts/help', { on: !breakouts.helpCalled })}
          >
            {t(breakouts.helpCalled ? 'breakout.helpOff' : 'breakout.help')}
          </Button>
        )}
        {breakouts.mayReturn ? (
          <Button
            size="sm"
            variant="ghost"
            icon={Undo2}
            onClick={() => void command('PUT', 'breakouts/place', { breakout: null })}
          >
            {t('breakout.back')}
          </Button>
        ) : null}
      </div>
    </section>
  );
}

function Broadcast() {
  const { t } = useTranslation('call');
  const { ui } = useCall();
  const said = useUi((state) => state.broadcast);
  if (!said) return null;
  return (
    <section className={styles.banner} aria-label={t('breakout.broadcast')}>
      <Icon icon={Megaphone} />
      <p className={styles.text}>
        <strong>{said.name}</strong>
        {said.text}
      </p>
      <IconButton
        label={t('breakout.putAway')}
        icon={X}
        onClick={() => ui.setState({ broadcast: null })}
      />
    </section>
  );
}
