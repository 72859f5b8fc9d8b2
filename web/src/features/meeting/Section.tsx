import { ChevronDown } from 'lucide-react';
import type { ReactNode } from 'react';
import { Icon } from '../../ui';
import styles from './Section.module.css';

interface SectionProps {
  title: string;
  /** Shown from the beginning. */
  open?: boolean;
  children: ReactNode;
}

/** A part of a long panel that opens and closes: the browser's own, so keyboard and screen readers know it. */
export function Section({ title, open = false, children }: SectionProps) {
  return (
    <details className={styles.section} open={open || undefined}>
      <summary className={styles.summary}>
        <h3 className={styles.title}>{title}</h3>
        <Icon icon={ChevronDown} size={18} />
      </summary>
      <div className={styles.content}>{children}</div>
    </details>
  );
}
