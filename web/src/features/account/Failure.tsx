import { useTranslation } from 'react-i18next';
import type { ApiError } from '../../api';
import styles from './Account.module.css';

/** What went wrong, where no single field is to blame. */
export function Failure({ error }: { error: ApiError | null }) {
  const { t } = useTranslation('errors');
  if (!error) return null;
  return (
    <div className={styles.failure} role="alert">
      <p>{t(`api.${error.code}`)}</p>
      {error.reference ? (
        <p className={styles.hint}>{t('reference', { reference: error.reference })}</p>
      ) : null}
    </div>
  );
}
