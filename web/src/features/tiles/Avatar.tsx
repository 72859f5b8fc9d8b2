import styles from './Avatar.module.css';
import { initials, toneOf } from './initials';

/** Stands for a person without a picture: their initials on a colour of their own. Decorative. */
export function Avatar({ identity, name }: { identity: string; name: string }) {
  return (
    <span className={styles.avatar} data-tone={toneOf(identity)} aria-hidden="true">
      {initials(name)}
    </span>
  );
}
