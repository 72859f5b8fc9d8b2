import { ChevronDown } from 'lucide-react';
import { useId } from 'react';
import styles from './Field.module.css';
import { Icon } from './Icon';

export interface SelectOption<T extends string> {
  value: T;
  label: string;
  /** The language of the label, where it is not the page's. */
  lang?: string;
}

interface SelectProps<T extends string> {
  label: string;
  hideLabel?: boolean;
  value: T;
  options: readonly SelectOption<T>[];
  onChange(value: T): void;
  disabled?: boolean;
  hint?: string;
}

/** One choice of several: the browser's own list, at home on every device. */
export function Select<T extends string>({
  label,
  hideLabel = false,
  value,
  options,
  onChange,
  disabled,
  hint,
}: SelectProps<T>) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={hideLabel ? 'visually-hidden' : styles.label}>
        {label}
      </label>
      <span className={styles.selectWrap}>
        <select
          id={id}
          className={`${styles.control} ${styles.select}`}
          value={value}
          disabled={disabled}
          aria-describedby={hint ? `${id}-hint` : undefined}
          onChange={(event) => onChange(event.target.value as T)}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value} lang={option.lang}>
              {option.label}
            </option>
          ))}
        </select>
        <Icon icon={ChevronDown} size={18} />
      </span>
      {hint ? (
        <p id={`${id}-hint`} className={styles.hint}>
          {hint}
        </p>
      ) : null}
    </div>
  );
}
