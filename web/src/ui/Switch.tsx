import { useId } from 'react';
import styles from './Field.module.css';

interface SwitchProps {
  label: string;
  description?: string;
  checked: boolean;
  disabled?: boolean;
  onChange(checked: boolean): void;
}

/** A setting that is on or off and takes effect at once. */
export function Switch({ label, description, checked, disabled, onChange }: SwitchProps) {
  const id = useId();
  return (
    <label className={styles.switch} htmlFor={id}>
      <span className={styles.switchText}>
        <span id={`${id}-label`}>{label}</span>
        {description ? (
          <span id={`${id}-text`} className={styles.hint}>
            {description}
          </span>
        ) : null}
      </span>
      <input
        id={id}
        type="checkbox"
        // biome-ignore lint/a11y/useAriaPropsForRole: a checkbox states its own checkedness.
        role="switch"
        className={styles.switchInput}
        checked={checked}
        disabled={disabled}
        aria-labelledby={`${id}-label`}
        aria-describedby={description ? `${id}-text` : undefined}
        onChange={(event) => onChange(event.target.checked)}
      />
    </label>
  );
}
