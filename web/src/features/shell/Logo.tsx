import styles from './Logo.module.css';

/** The sign of Tertulia: a speech bubble made of the people around a table. */
export function Logo({ size = 34 }: { size?: number }) {
  return (
    <svg
      className={styles.logo}
      width={size}
      height={size}
      viewBox="0 0 64 64"
      aria-hidden="true"
      focusable="false"
    >
      <path className={styles.one} d="M35.5 8.3a24 24 0 0 1 20.2 20.2" />
      <path className={styles.two} d="M55.7 35.5a24 24 0 0 1-20.2 20.2" />
      <path className={styles.three} d="M8.3 28.5a24 24 0 0 1 20.2-20.2" />
      <path className={styles.four} d="M28.5 55.7H9.5c-1 0-1.5-.5-1.5-1.5V35.5" />
      <circle className={styles.table} cx="32" cy="32" r="10" />
    </svg>
  );
}
