import { useTranslation } from 'react-i18next';
import { Spinner } from '../ui';
import styles from './EnteringScreen.module.css';

/** Shown for the moment between pre-join and the call. */
export function EnteringScreen({ room }: { room: string }) {
  const { t } = useTranslation();
  return (
    <main className={styles.screen} data-surface="stage">
      <Spinner size={36} />
      <p role="status">{t('entering', { room })}</p>
    </main>
  );
}
