import { useTranslation } from 'react-i18next';
import { useCallState, useRoomState } from '../call/context';
import { emojiOf } from './emoji';
import styles from './FloatingReactions.module.css';

/** The reactions of the last seconds, each with its sender's name. They float, unless motion is unwanted. */
export function FloatingReactions() {
  const { t } = useTranslation('call');
  const reactions = useRoomState((state) => state.reactions);
  const participants = useCallState((state) => state.snapshot.participants);
  const nameOf = (identity: string) => {
    const person = participants.find((one) => one.identity === identity);
    return person?.isLocal ? t('you') : (person?.name ?? '');
  };
  return (
    <div className={styles.column} aria-hidden="true">
      {reactions.map(({ key, identity, kind }) => (
        <span
          key={key}
          className={styles.reaction}
          data-testid="reaction"
          data-lane={Number(key) % 5}
        >
          <span className={styles.emoji}>{emojiOf[kind]}</span>
          <span className={styles.name}>{nameOf(identity)}</span>
        </span>
      ))}
    </div>
  );
}
