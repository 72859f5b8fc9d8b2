import { Hand } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, Icon } from '../../ui';
import { useCall, useRoomState } from '../call/context';
import { useCommand } from '../meeting/useCommand';
import { useMay } from '../meeting/useMay';
import styles from './PeoplePanel.module.css';

interface Viewer {
  identity: string;
  name: string;
  role: string;
  hidden: boolean;
}

/** Those of a webinar whom nobody sees, for whoever may bring one of them on stage. Raised hands come first. */
export function Viewers() {
  const { t } = useTranslation('call');
  const { call } = useCall();
  const command = useCommand();
  const manages = useMay('manage_rights');
  const count = useRoomState((state) => state.meeting.viewers);
  const hands = useRoomState((state) => state.hands);
  const [viewers, setViewers] = useState<readonly Viewer[]>([]);
  const wanted = manages && count > 0;

  // biome-ignore lint/correctness/useExhaustiveDependencies: another count or another hand means another list.
  useEffect(() => {
    if (!wanted) {
      setViewers([]);
      return;
    }
    let over = false;
    const read = async () => {
      const answer = await call.link.read('participants');
      const { participants } = (await answer.json()) as { participants: Viewer[] };
      if (!over) setViewers(participants.filter(({ hidden, role }) => hidden && role === 'viewer'));
    };
    // The next change of the count asks again; the number itself stands above.
    read().catch(() => undefined);
    return () => {
      over = true;
    };
  }, [call, wanted, count, hands]);

  if (viewers.length === 0) return null;
  const place = (identity: string) => {
    const index = hands.findIndex((hand) => hand.identity === identity);
    return index < 0 ? Number.POSITIVE_INFINITY : index;
  };
  const sorted = [...viewers].sort((a, b) => {
    const [first, second] = [place(a.identity), place(b.identity)];
    return first === second ? a.name.localeCompare(b.name) : first - second;
  });
  return (
    <section className={styles.section}>
      <h3 className={styles.title}>{t('people.watching')}</h3>
      <ul>
        {sorted.map(({ identity, name }) => (
          <li key={identity} className={styles.person}>
            <span className={styles.name}>
              {name}
              {Number.isFinite(place(identity)) ? (
                <span className={styles.note}>
                  <Icon icon={Hand} size={14} /> {t('tile.hand')}
                </span>
              ) : null}
            </span>
            <Button
              size="sm"
              aria-label={`${t('people.stage')}: ${name}`}
              onClick={() =>
                void command('PUT', `participants/${encodeURIComponent(identity)}/role`, {
                  role: 'participant',
                })
              }
            >
              {t('people.stage')}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
