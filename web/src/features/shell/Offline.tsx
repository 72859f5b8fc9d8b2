import { useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import styles from './Page.module.css';

function subscribe(changed: () => void): () => void {
  window.addEventListener('online', changed);
  window.addEventListener('offline', changed);
  return () => {
    window.removeEventListener('online', changed);
    window.removeEventListener('offline', changed);
  };
}

/** Says that there is no network, as long as there is none. */
export function Offline() {
  const { t } = useTranslation();
  const online = useSyncExternalStore(subscribe, () => navigator.onLine);
  return (
    <div role="status">{online ? null : <p className={styles.offline}>{t('offline')}</p>}</div>
  );
}
