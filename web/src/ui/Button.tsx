import type { ComponentPropsWithRef } from 'react';
import styles from './Button.module.css';
import { cx } from './cx';
import { Icon, type IconType } from './Icon';
import { Spinner } from './Spinner';

export interface ButtonProps extends ComponentPropsWithRef<'button'> {
  variant?: 'primary' | 'secondary' | 'ghost' | 'danger';
  size?: 'sm' | 'md' | 'lg';
  icon?: IconType;
  /** Takes the whole width. */
  block?: boolean;
  /** Work is under way: shows a spinner and ignores clicks, yet keeps the focus. */
  busy?: boolean;
}

/** A button with text. */
export function Button({
  variant = 'secondary',
  size = 'md',
  icon,
  block = false,
  busy = false,
  className,
  children,
  onClick,
  type = 'button',
  ...rest
}: ButtonProps) {
  return (
    <button
      type={type}
      className={cx(styles.button, styles[variant], styles[size], block && styles.block, className)}
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : onClick}
      {...rest}
    >
      {busy ? <Spinner size={18} /> : icon ? <Icon icon={icon} /> : null}
      {children}
    </button>
  );
}
