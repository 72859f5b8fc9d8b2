import type { ComponentPropsWithRef } from 'react';
import { cx, Icon, type IconType, Tooltip } from '../../ui';
import styles from './ToolbarButton.module.css';

export interface ToolbarButtonProps extends Omit<ComponentPropsWithRef<'button'>, 'children'> {
  label: string;
  icon: IconType;
  /** What the tip says besides the name, a shortcut say. */
  hint?: string;
  /** `device` turns red when off, `switch` is lit when on, `danger` ends things. */
  look?: 'plain' | 'device' | 'switch' | 'danger';
  narrow?: boolean;
  /** A small count in the corner; `aria-description` should tell the same. */
  badge?: number | string | null;
}

/** A control of the call's toolbar. */
export function ToolbarButton({
  label,
  icon,
  hint,
  look = 'plain',
  narrow = false,
  badge,
  className,
  ...rest
}: ToolbarButtonProps) {
  return (
    <Tooltip text={hint ? `${label} (${hint})` : label}>
      <button
        type="button"
        aria-label={label}
        className={cx(styles.button, styles[look], narrow && styles.narrow, className)}
        {...rest}
      >
        <Icon icon={icon} size={narrow ? 16 : 22} />
        {badge ? <span className={styles.badge} data-count={badge} aria-hidden="true" /> : null}
      </button>
    </Tooltip>
  );
}
