import { type ComponentPropsWithRef, type ReactNode, useId } from 'react';
import { cx } from './cx';
import styles from './Field.module.css';

export interface TextFieldProps extends Omit<ComponentPropsWithRef<'input'>, 'size'> {
  label: string;
  /** Hides the label from the eye only. */
  hideLabel?: boolean;
  hint?: ReactNode;
  error?: ReactNode;
  large?: boolean;
}

/** One line of text with its label, hint and error. */
export function TextField({
  label,
  hideLabel = false,
  hint,
  error,
  large = false,
  className,
  ...rest
}: TextFieldProps) {
  const id = useId();
  const hintId = `${id}-hint`;
  const errorId = `${id}-error`;
  return (
    <div className={cx(styles.field, className)}>
      <label htmlFor={id} className={hideLabel ? 'visually-hidden' : styles.label}>
        {label}
      </label>
      <input
        id={id}
        className={cx(styles.control, large && styles.large)}
        aria-invalid={error ? true : undefined}
        aria-describedby={cx(hint ? hintId : null, error ? errorId : null) || undefined}
        {...rest}
      />
      {hint ? (
        <p id={hintId} className={styles.hint}>
          {hint}
        </p>
      ) : null}
      {error ? (
        <p id={errorId} className={styles.error} role="alert">
          {error}
        </p>
      ) : null}
    </div>
  );
}
