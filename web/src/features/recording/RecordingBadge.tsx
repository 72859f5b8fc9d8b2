import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { announce } from '../../ui';
import { chime } from '../call/chimes';
import { useCallState } from '../call/context';
import styles from './Recording.module.css';

/** Tells everybody, also whoever comes later, who records on their own device: in writing, by voice and by sound. */
export function RecordingBadge() {
  const { t } = useTranslation('call');
  const names = useCallState((state) =>
    state.snapshot.participants
      .filter(({ recording, isLocal }) => recording && !isLocal)
      .map(({ name }) => name)
      .join(', '),
  );
  const before = useRef('');

  useEffect(() => {
    if (names === before.current) return;
    before.current = names;
    announce(names ? t('record.by', { names }) : t('record.over'), 'assertive');
    chime('recording');
  }, [names, t]);

  if (!names) return null;
  return (
    <p className={styles.badge} data-recorded-by>
      <span className={styles.dot} aria-hidden="true" />
      {t('record.by', { names })}
    </p>
  );
}
