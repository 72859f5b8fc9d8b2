import styles from './Logo.module.css';

/** The sign of Tertulia: people around a table, together a speech bubble. */
export function Logo({ size = 32 }: { size?: number }) {
  return (
    <svg
      className={styles.logo}
      width={size}
      height={size}
      viewBox="0 0 64 64"
      aria-hidden="true"
      focusable="false"
    >
      <path className={styles.one} d="M36.5 10.5a22 22 0 0 1 17 17" />
      <path className={styles.two} d="M53.500 36.500a22 22 0 0 1-17 17" />
      <path className={styles.three} d="M10.500 27.500a22 22 0 0 1 17-17" />
      <path className={styles.four} d="M27.500 53.500a22 22 0 0 1-9.500-4.500L8.500 53.500l2-17" />
      <circle className={styles.table} cx="32" cy="32" r="7.5" />
    </svg>
  );
}
