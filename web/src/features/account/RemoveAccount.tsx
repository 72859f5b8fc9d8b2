import { Trash2 } from 'lucide-react';
import { type FormEvent, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiError } from '../../api';
import { type Account, accountApi } from '../../api/account';
import { Button, Dialog, TextField } from '../../ui';
import styles from './Account.module.css';
import { Failure } from './Failure';
import { failureOf } from './failure';

interface RemoveAccountProps {
  account: Account;
  onRemoved(): void;
}

/** The end of the account, and what goes with it. */
export function RemoveAccount({ account, onRemoved }: RemoveAccountProps) {
  const { t } = useTranslation('account');
  const [asking, setAsking] = useState(false);
  return (
    <section className={styles.card} aria-labelledby="remove-account">
      <h2 id="remove-account" className={styles.subtitle}>
        {t('own.removeTitle')}
      </h2>
      <p className={styles.hint}>{t('own.removeText')}</p>
      <div>
        <Button icon={Trash2} onClick={() => setAsking(true)}>
          {t('own.remove')}
        </Button>
      </div>
      {asking ? (
        <Ask account={account} onRemoved={onRemoved} onClose={() => setAsking(false)} />
      ) : null}
    </section>
  );
}

function Ask({ account, onRemoved, onClose }: RemoveAccountProps & { onClose(): void }) {
  const { t } = useTranslation('account');
  const form = useId();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const said = field.current?.value ?? '';
    setBusy(true);
    setError(null);
    try {
      await accountApi.remove(account.hasPassword ? { password: said } : { login: said.trim() });
      onRemoved();
    } catch (cause) {
      setBusy(false);
      setError(failureOf(cause));
      field.current?.focus();
    }
  };
  const wrong = error?.status === 401;
  return (
    <Dialog
      title={t('own.removeAsk')}
      closeLabel={t('cancel', { ns: 'common' })}
      size="sm"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('cancel', { ns: 'common' })}</Button>
          <Button variant="danger" type="submit" form={form} busy={busy}>
            {t('own.remove')}
          </Button>
        </>
      }
    >
      <form id={form} className={styles.form} onSubmit={(event) => void submit(event)} noValidate>
        <p>{t('own.removeText')}</p>
        {account.hasPassword ? (
          <TextField
            ref={field}
            type="password"
            label={t('password')}
            autoComplete="current-password"
            error={wrong ? t('own.wrongPassword') : undefined}
          />
        ) : (
          <TextField
            ref={field}
            label={t('login')}
            hint={t('own.removeLoginHint', { login: account.login })}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            error={wrong ? t('own.wrongLogin') : undefined}
          />
        )}
        <Failure error={wrong ? null : error} />
      </form>
    </Dialog>
  );
}
