import { PhoneOff } from 'lucide-react';
import { useEffect, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, placeBeside } from '../../ui';
import { useCall } from '../call/context';
import styles from './LeaveButton.module.css';
import { ToolbarButton } from './ToolbarButton';

/** Leaves at a click. From the keyboard it asks first, so that no single keystroke ends a call. */
export function LeaveButton() {
  const { t } = useTranslation('call');
  const { call } = useCall();
  const [asking, setAsking] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const confirm = useRef<HTMLButtonElement>(null);
  const titleId = useId();

  useEffect(() => {
    if (!asking || !box.current || !button.current) return;
    box.current.showPopover();
    placeBeside(box.current, button.current, { placement: 'top', align: 'end', gap: 12 });
    confirm.current?.focus();
  }, [asking]);

  const close = () => {
    box.current?.hidePopover();
    button.current?.focus();
  };

  return (
    <>
      <ToolbarButton
        ref={button}
        label={t('action.leave')}
        icon={PhoneOff}
        look="danger"
        aria-haspopup="dialog"
        // A click made by a key carries no count.
        onClick={(event) => (event.detail === 0 ? setAsking(true) : call.leave())}
      />
      {asking ? (
        <div
          ref={box}
          popover="auto"
          role="dialog"
          aria-labelledby={titleId}
          className={styles.box}
          onToggle={(event) => {
            if (event.newState === 'closed') setAsking(false);
          }}
        >
          <p id={titleId} className={styles.title}>
            {t('leave.title')}
          </p>
          <div className={styles.row}>
            <Button onClick={close}>{t('leave.stay')}</Button>
            <Button ref={confirm} variant="danger" icon={PhoneOff} onClick={() => call.leave()}>
              {t('action.leave')}
            </Button>
          </div>
        </div>
      ) : null}
    </>
  );
}
