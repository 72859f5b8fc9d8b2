import { LogOut } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiError } from '../../api';
import { accountApi, type OwnSession } from '../../api/account';
import { Badge, Button, Spinner, showToast } from '../../ui';
import styles from './Account.module.css';
import { Failure } from './Failure';
import { failureOf } from './failure';

/** Where the account is signed in, each with its end. */
export function Sessions() {
  const { t, i18n } = useTranslation('account');
  const [sessions, setSessions] = useState<OwnSession[] | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const load = useCallback(
    () => accountApi.sessions().then(setSessions, (cause) => setError(failureOf(cause))),
    [],
  );
  useEffect(() => void load(), [load]);

  const end = async (ending: () => Promise<unknown>) => {
    setError(null);
    try {
      await ending();
      showToast({ text: t('sessions.ended'), tone: 'success', key: 'account' });
    } catch (cause) {
      setError(failureOf(cause));
    }
    await load();
  };

  const time = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium', timeStyle: 'short' });
  const others = sessions?.filter(({ current }) => !current) ?? [];
  return (
    <section className={styles.card} aria-labelledby="sessions">
      <h2 id="sessions" className={styles.subtitle}>
        {t('sessions.title')}
      </h2>
      <Failure error={error} />
      {sessions === null && !error ? (
        <p className={styles.waiting} role="status">
          <Spinner size={20} /> {t('loading')}
        </p>
      ) : null}
      <ul className={styles.invitations}>
        {sessions?.map((one) => {
          const name = one.browser ?? t('sessions.unknown');
          const since = t('sessions.since', { when: time.format(one.createdAt) });
          return (
            <li key={one.id}>
              <span>
                <strong>{name}</strong>
                <span className={styles.hint}>{since}</span>
                <span className={styles.hint}>
                  {t('sessions.seen', { when: time.format(one.seenAt) })}
                </span>
              </span>
              {one.current ? (
                <Badge>{t('sessions.current')}</Badge>
              ) : (
                <Button
                  size="sm"
                  aria-label={t('sessions.endNamed', { name, since })}
                  onClick={() => void end(() => accountApi.endSession(one.id))}
                >
                  {t('sessions.end')}
                </Button>
              )}
            </li>
          );
        })}
      </ul>
      {others.length > 0 ? (
        <div>
          <Button icon={LogOut} onClick={() => void end(accountApi.endOtherSessions)}>
            {t('sessions.endOthers')}
          </Button>
        </div>
      ) : null}
    </section>
  );
}
