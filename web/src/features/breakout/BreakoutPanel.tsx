import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import type { BreakoutPlace } from '../../api/meeting';
import { Button, Sheet } from '../../ui';
import { useCall, useRoomState } from '../call/context';
import { showPanel } from '../call/uiStore';
import { useCommand } from '../meeting/useCommand';
import styles from './BreakoutPanel.module.css';
import { LeadBreakouts } from './LeadBreakouts';

/** Breakout rooms: all of them for those who lead, and for everybody else those they may go to. */
export default function BreakoutPanel() {
  const { t } = useTranslation('call');
  const { ui } = useCall();
  const all = useRoomState(({ meeting }) => meeting.breakoutRooms);
  const place = useRoomState(({ meeting }) => meeting.breakouts);
  const nothing = all === null && place?.open !== true;
  useEffect(() => {
    if (nothing) showPanel(ui, null);
  }, [nothing, ui]);
  return (
    <Sheet
      title={t('action.breakouts')}
      closeLabel={t('closePanel')}
      onClose={() => showPanel(ui, null)}
    >
      {all ? <LeadBreakouts all={all} here={place?.place ?? null} /> : null}
      {!all && place ? <Choice place={place} /> : null}
    </Sheet>
  );
}

function Choice({ place }: { place: BreakoutPlace }) {
  const { t } = useTranslation('call');
  const command = useCommand();
  const go = (breakout: number | null) => void command('PUT', 'breakouts/place', { breakout });
  return (
    <div className={styles.content}>
      <p className={styles.note}>{t(place.choose ? 'breakout.chooseText' : 'breakout.yours')}</p>
      <ul className={styles.rooms}>
        {place.rooms.map((room) => (
          <li key={room.id} className={styles.room}>
            <div className={styles.head}>
              <strong className={styles.name}>{room.name}</strong>
              {place.choose ? (
                <span className={styles.note}>{t('breakout.people', { count: room.people })}</span>
              ) : null}
              {place.place === room.id ? (
                <span className={styles.note}>{t('breakout.youAreHere')}</span>
              ) : (
                <Button size="sm" onClick={() => go(room.id)}>
                  {t('breakout.join')}
                </Button>
              )}
            </div>
          </li>
        ))}
      </ul>
      {place.place !== null && place.mayReturn ? (
        <Button onClick={() => go(null)}>{t('breakout.back')}</Button>
      ) : null}
    </div>
  );
}
