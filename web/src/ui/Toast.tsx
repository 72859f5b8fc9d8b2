import { X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { cx } from './cx';
import { Icon } from './Icon';
import styles from './Toast.module.css';
import { type ToastItem, useToasts } from './toasts';

const shortMs = 6_000;
const withActionMs = 12_000;

interface ToastRegionProps {
  /** The name of the region and of the dismissing button, translated. */
  label: string;
  dismissLabel: string;
}

/** The place where passing messages appear. Rendered once, by the app. */
export function ToastRegion({ label, dismissLabel }: ToastRegionProps) {
  const items = useToasts((state) => state.items);
  const region = useRef<HTMLElement>(null);
  const newest = items.at(-1)?.id;

  // The top layer stacks by time: each new message puts the region above whatever opened meanwhile,
  // a dialog or a full-screen stage.
  useEffect(() => {
    const node = region.current;
    if (!node || newest === undefined) return;
    node.showPopover();
    return () => {
      if (node.isConnected) node.hidePopover();
    };
  }, [newest]);

  return (
    <section
      ref={region}
      popover="manual"
      className={styles.region}
      aria-label={label}
      aria-live="polite"
    >
      {items.map((item) => (
        <ToastLine key={item.id} item={item} dismissLabel={dismissLabel} />
      ))}
    </section>
  );
}

function ToastLine({ item, dismissLabel }: { item: ToastItem; dismissLabel: string }) {
  const dismiss = useToasts((state) => state.dismiss);
  const [held, setHeld] = useState(false);
  const { id, text, tone = 'neutral', action, durationMs } = item;
  const stayMs = durationMs === undefined ? (action ? withActionMs : shortMs) : durationMs;

  useEffect(() => {
    if (stayMs === null || held) return;
    const timer = window.setTimeout(() => dismiss(id), stayMs);
    return () => window.clearTimeout(timer);
  }, [dismiss, id, stayMs, held]);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: hovering or focusing only holds the message; nothing is operated.
    <div
      className={cx(styles.toast, styles[tone])}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <p className={styles.text}>{text}</p>
      {action ? (
        <button
          type="button"
          className={styles.action}
          onClick={() => {
            dismiss(id);
            action.run();
          }}
        >
          {action.label}
        </button>
      ) : null}
      <button
        type="button"
        className={styles.close}
        aria-label={dismissLabel}
        onClick={() => dismiss(id)}
      >
        <Icon icon={X} size={18} />
      </button>
    </div>
  );
}
