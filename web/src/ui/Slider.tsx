import { useId } from 'react';
import styles from './Field.module.css';

interface SliderProps {
  label: string;
  value: number;
  min: number;
  max: number;
  step?: number;
  /** Writes the value for people, e.g. "80 %". */
  format?(value: number): string;
  onChange(value: number): void;
}

/** A number within bounds. */
export function Slider({
  label,
  value,
  min,
  max,
  step = 1,
  format = String,
  onChange,
}: SliderProps) {
  const id = useId();
  return (
    <div className={styles.field}>
      <span className={styles.rangeHead}>
        <label htmlFor={id} className={styles.label}>
          {label}
        </label>
        <span className={styles.rangeValue} aria-hidden="true">
          {format(value)}
        </span>
      </span>
      <input
        id={id}
        type="range"
        className={styles.range}
        min={min}
        max={max}
        step={step}
        value={value}
        aria-valuetext={format(value)}
        onChange={(event) => onChange(event.target.valueAsNumber)}
      />
    </div>
  );
}
