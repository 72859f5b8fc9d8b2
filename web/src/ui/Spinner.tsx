import styles from './Spinner.module.css';

interface SpinnerProps {
  /** Diameter in pixels. */
  size?: number;
  /** What is being waited for; without it the spinner is decoration. */
  label?: string;
}

/** Shows that something takes time. */
export function Spinner({ size = 20, label }: SpinnerProps) {
  return (
    <span className={styles.wrap} role={label ? 'status' : undefined}>
      <span
        className={styles.ring}
        style={{ inlineSize: size, blockSize: size }}
        aria-hidden="true"
      />
      {label ? <span className="visually-hidden">{label}</span> : null}
    </span>
  );
}
