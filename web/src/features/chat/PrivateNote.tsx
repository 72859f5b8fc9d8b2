import { Lock } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../../ui';
import { useCallState, useRoomState } from '../call/context';
import styles from './ChatPanel.module.css';

/** The name of somebody who is here, or has written. */
export function useNameOf(identity: string | null | undefined): string {
  const present = useCallState(
    ({ snapshot }) => snapshot.participants.find((one) => one.identity === identity)?.name,
  );
  const written = useRoomState(({ chat }) => chat.find((one) => one.identity === identity)?.name);
  return present ?? written ?? '';
}

/** Says that a message is for one person alone. */
export function PrivateNote({ to }: { to: string }) {
  const { t } = useTranslation('call');
  const mine = useCallState((state) => state.identity);
  const name = useNameOf(to);
  return (
    <p className={styles.private}>
      <Icon icon={Lock} size={14} />
      {to === mine ? t('chat.toYou') : t('chat.toOne', { name })}
    </p>
  );
}
