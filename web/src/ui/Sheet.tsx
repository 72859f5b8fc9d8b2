import { X } from 'lucide-react';
import { type ReactNode, useEffect, useId, useRef } from 'react';
import { IconButton } from './IconButton';
import styles from './Sheet.module.css';

interface SheetProps {
  title: string;
  closeLabel: string;
  onClose(): void;
  /** Beside the title. */
  actions?: ReactNode;
  /** Stays below the scrolling part: an input line, say. */
  footer?: ReactNode;
  children: ReactNode;
}

/**
 * A side panel; render it while it is open. It is not modal. Focus enters it at the title and returns to the
 * opener, Escape inside closes it. Its place (a column, or over the stage on a phone) is the parent's affair.
 */
export function Sheet({ title, closeLabel, onClose, actions, footer, children }: SheetProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const titleId = useId();

  useEffect(() => {
    const opener = document.activeElement;
    heading.current?.focus();
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);

  return (
    <aside
      className={styles.sheet}
      aria-labelledby={titleId}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || event.defaultPrevented) return;
        event.stopPropagation();
        onClose();
      }}
    >
      <header className={styles.header}>
        <h2 id={titleId} ref={heading} tabIndex={-1} className={styles.title}>
          {title}
        </h2>
        {actions}
        <IconButton label={closeLabel} icon={X} onClick={onClose} tipPlacement="bottom" />
      </header>
      <div className={styles.body}>{children}</div>
      {footer ? <footer className={styles.footer}>{footer}</footer> : null}
    </aside>
  );
}
