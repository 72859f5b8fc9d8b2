import { X } from 'lucide-react';
import { type ReactNode, useEffect, useId, useRef } from 'react';
import { cx } from './cx';
import styles from './Dialog.module.css';
import { IconButton } from './IconButton';

interface DialogProps {
  title: string;
  /** The name of the closing button, translated. */
  closeLabel: string;
  onClose(): void;
  /** A modal dialog makes the page inert. In the call pass false: nothing may ever cover mute. */
  modal?: boolean;
  size?: 'sm' | 'md' | 'lg';
  /** It is mostly text, which the keyboard must be able to scroll. */
  reading?: boolean;
  /** Buttons at the end. */
  footer?: ReactNode;
  children: ReactNode;
}

/**
 * A dialog over the page; render it while it is open. Focus enters it and returns to the opener,
 * Escape and a click on the backdrop close it. On a narrow screen it becomes a bottom sheet.
 */
export function Dialog({
  title,
  closeLabel,
  onClose,
  modal = true,
  size = 'md',
  reading = false,
  footer,
  children,
}: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();

  useEffect(() => {
    const node = dialog.current;
    if (!node) return;
    const opener = document.activeElement;
    if (modal) node.showModal();
    else node.show();
    return () => {
      node.close();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, [modal]);

  return (
    // A click on the backdrop doubles Escape, which the element handles.
    <dialog
      ref={dialog}
      aria-labelledby={titleId}
      className={cx(styles.dialog, styles[size], !modal && styles.floating)}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onKeyDown={(event) => {
        if (!modal && event.key === 'Escape') onClose();
        event.stopPropagation();
      }}
      onClick={(event) => {
        if (modal && event.target === dialog.current) onClose();
      }}
    >
      <div className={styles.frame}>
        <header className={styles.header}>
          <h2 id={titleId} className={styles.title} tabIndex={-1}>
            {title}
          </h2>
          <IconButton label={closeLabel} icon={X} onClick={onClose} tipPlacement="bottom" />
        </header>
        <div
          className={styles.body}
          {...(reading ? { tabIndex: 0, role: 'region', 'aria-labelledby': titleId } : {})}
        >
          {children}
        </div>
        {footer ? <footer className={styles.footer}>{footer}</footer> : null}
      </div>
    </dialog>
  );
}
