import styles from './SpeakingBars.module.css';

/** Three moving bars: the sign of speech besides the ring, for those who cannot tell its colour. */
export function SpeakingBars() {
  return (
    <span className={styles.bars} aria-hidden="true">
      <span />
      <span />
      <span />
    </span>
  );
}
