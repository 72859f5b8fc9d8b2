import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { placeBeside } from './place';
import styles from './Tooltip.module.css';

interface TooltipProps {
  text: string;
  placement?: 'top' | 'bottom';
  /** The one element the tip belongs to. */
  children: ReactNode;
}

const hoverDelayMs = 450;

/**
 * Shows a short text beside its child on hover and on keyboard focus; Escape hides it.
 * The tip repeats the name of an icon button for the eye, so it is hidden from assistive technology.
 */
export function Tooltip({ text, placement = 'top', children }: TooltipProps) {
  const [visible, setVisible] = useState(false);
  const anchor = useRef<HTMLSpanElement>(null);
  const tip = useRef<HTMLSpanElement>(null);
  const timer = useRef<number | undefined>(undefined);
  const id = useId();

  const hide = () => {
    window.clearTimeout(timer.current);
    setVisible(false);
  };

  useEffect(() => () => window.clearTimeout(timer.current), []);

  useEffect(() => {
    const target = anchor.current?.firstElementChild;
    const node = tip.current;
    if (!visible || !target || !node) return;
    // Focus may arrive while a menu is opening, when the browser forbids to open another popover.
    const frame = requestAnimationFrame(() => {
      if (target.getAttribute('aria-expanded') === 'true') return;
      node.showPopover();
      placeBeside(node, target, { placement, align: 'center', gap: 8 });
    });
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') setVisible(false);
    };
    document.addEventListener('keydown', onKey);
    return () => {
      cancelAnimationFrame(frame);
      document.removeEventListener('keydown', onKey);
      if (node.isConnected) node.hidePopover();
    };
  }, [visible, placement]);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: only watches what its child, a control, already handles.
    <span
      ref={anchor}
      className={styles.anchor}
      onPointerEnter={(event) => {
        if (event.pointerType === 'touch') return;
        timer.current = window.setTimeout(() => setVisible(true), hoverDelayMs);
      }}
      onPointerLeave={hide}
      onPointerDown={hide}
      onFocus={(event) => {
        if (event.target.matches(':focus-visible')) setVisible(true);
      }}
      onBlur={hide}
    >
      {children}
      {visible ? (
        <span ref={tip} id={id} popover="manual" className={styles.tip} aria-hidden="true">
          {text}
        </span>
      ) : null}
    </span>
  );
}
