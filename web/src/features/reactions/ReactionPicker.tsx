import { type KeyboardEvent, type RefObject, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { placeBeside } from '../../ui';
import { useCall } from '../call/context';
import { emojiOf, reactionKinds } from './emoji';
import styles from './ReactionPicker.module.css';

interface ReactionPickerProps {
  open: boolean;
  /** What it hangs off. */
  anchor: RefObject<HTMLElement | null>;
  onClose(): void;
}

/** The six reactions in a row. It stays open, for applause comes in bursts. */
export function ReactionPicker({ open, anchor, onClose }: ReactionPickerProps) {
  const { t } = useTranslation('call');
  const { call } = useCall();
  const box = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const node = box.current;
    if (!open || !node || !anchor.current) return;
    node.showPopover();
    placeBeside(node, anchor.current, { placement: 'top', align: 'center', gap: 12 });
    node.querySelector('button')?.focus();
  }, [open, anchor]);

  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const buttons = [...event.currentTarget.querySelectorAll('button')];
    const index = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (event.key !== 'Escape') event.stopPropagation();
    if (by === 0) return;
    event.preventDefault();
    buttons[(index + by + buttons.length) % buttons.length]?.focus();
  };

  if (!open) return null;
  return (
    <div
      ref={box}
      popover="auto"
      role="dialog"
      aria-label={t('reaction.title')}
      className={styles.picker}
      onKeyDown={onKeyDown}
      onToggle={(event) => {
        if (event.newState === 'closed') onClose();
      }}
    >
      {reactionKinds.map((kind) => (
        <button
          key={kind}
          type="button"
          className={styles.emoji}
          aria-label={t(`reaction.${kind}`)}
          title={t(`reaction.${kind}`)}
          onClick={() => void call.react(kind)}
        >
          <span aria-hidden="true">{emojiOf[kind]}</span>
        </button>
      ))}
    </div>
  );
}
