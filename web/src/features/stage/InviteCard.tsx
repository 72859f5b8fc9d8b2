import { Copy } from 'lucide-react';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, showToast } from '../../ui';
import { useCall } from '../call/context';
import styles from './InviteCard.module.css';

/** Copies the meeting's link and says whether that worked. */
export function useCopyLink(): () => Promise<boolean> {
  const { t } = useTranslation('call');
  const { link } = useCall();
  return async () => {
    try {
      await navigator.clipboard.writeText(link);
      showToast({ text: t('alone.copied'), tone: 'success', key: 'link' });
      return true;
    } catch {
      showToast({ text: t('alone.copyFailed'), tone: 'warning', key: 'link' });
      return false;
    }
  };
}

/** What a person alone in the room needs: the link to bring others in. */
export function InviteCard() {
  const { t } = useTranslation('call');
  const { link: address } = useCall();
  const copy = useCopyLink();
  const link = useRef<HTMLInputElement>(null);
  return (
    <div className={styles.card}>
      <h2 className={styles.title}>{t('alone.title')}</h2>
      <p className={styles.text}>{t('alone.text')}</p>
      <div className={styles.row}>
        <input
          ref={link}
          className={styles.link}
          aria-label={t('alone.link')}
          value={address}
          readOnly
          onFocus={(event) => event.currentTarget.select()}
        />
        <Button
          variant="primary"
          icon={Copy}
          onClick={async () => {
            if (!(await copy())) link.current?.select();
          }}
        >
          {t('alone.copy')}
        </Button>
      </div>
    </div>
  );
}
