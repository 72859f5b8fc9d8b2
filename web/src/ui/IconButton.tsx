import type { ComponentPropsWithRef } from 'react';
import { cx } from './cx';
import { Icon, type IconType } from './Icon';
import styles from './IconButton.module.css';
import { Tooltip } from './Tooltip';

export interface IconButtonProps extends Omit<ComponentPropsWithRef<'button'>, 'children'> {
  /** The accessible name, also shown as a tip. */
  label: string;
  icon: IconType;
  variant?: 'plain' | 'filled' | 'danger';
  size?: 'sm' | 'md' | 'lg';
  /** What the tip says, when more than the name (a shortcut, say). */
  tip?: string;
  tipPlacement?: 'top' | 'bottom';
  /** A small count or dot in the corner; the label should tell the same. */
  badge?: number | boolean;
}

/** A button that shows only an icon. */
export function IconButton({
  label,
  icon,
  variant = 'plain',
  size = 'md',
  tip,
  tipPlacement = 'top',
  badge,
  className,
  type = 'button',
  ...rest
}: IconButtonProps) {
  return (
    <Tooltip text={tip ?? label} placement={tipPlacement}>
      <button
        type={type}
        aria-label={label}
        className={cx(styles.button, styles[variant], styles[size], className)}
        {...rest}
      >
        <Icon icon={icon} size={size === 'lg' ? 24 : 20} />
        {badge ? (
          <span className={styles.badge} aria-hidden="true">
            {typeof badge === 'number' ? (badge > 99 ? '99+' : badge) : null}
          </span>
        ) : null}
      </button>
    </Tooltip>
  );
}
