import type { ReactNode } from 'react';
import styles from './Badge.module.css';
import { cx } from './cx';
import { Icon, type IconType } from './Icon';

interface BadgeProps {
  tone?: 'neutral' | 'accent' | 'success' | 'warning' | 'danger' | 'scrim';
  icon?: IconType;
  children: ReactNode;
}

/** A small label. */
export function Badge({ tone = 'neutral', icon, children }: BadgeProps) {
  return (
    <span className={cx(styles.badge, styles[tone])}>
      {icon ? <Icon icon={icon} size={14} /> : null}
      {children}
    </span>
  );
}
