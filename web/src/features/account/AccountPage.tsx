import { ArrowLeft } from 'lucide-react';
import { type FormEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type ApiError, useServerConfig } from '../../api';
import { type Account, accountApi, useSession } from '../../api/account';
import { Button, Spinner, showToast, TextField, usePageMeta } from '../../ui';
import { Page } from '../shell/Page';
import styles from './Account.module.css';
import { Failure } from './Failure';
import { failureOf } from './failure';
import { RemoveAccount } from './RemoveAccount';
import { Sessions } from './Sessions';
import { useAccount } from './useAccount';
import './words';

/** The own account: what others see, the password, where one is signed in, and the end of it. */
export function AccountPage({ navigate }: { navigate(path: string): void }) {
  const { t } = useTranslation('account');
  const account = useAccount(navigate);
  // A new password ends all other sessions.
  const [round, setRound] = useState(0);
  usePageMeta({ title: t('pageTitle', { title: t('own.title') }) });
  return (
    <Page>
      <div className={styles.wide}>
        <a className={styles.back} href="/my">
          <ArrowLeft size={18} aria-hidden="true" /> {t('rooms.title')}
        </a>
        <h1 className={styles.title}>{t('own.title')}</h1>
        {account ? (
          <>
            <Profile account={account} />
            {account.hasPassword ? (
              <PasswordForm onChanged={() => setRound((before) => before + 1)} />
            ) : (
              <ElsewhereNote />
            )}
            <Sessions key={round} />
            <RemoveAccount
              account={account}
              onRemoved={() => {
                showToast({ text: t('own.removed'), tone: 'success', key: 'account' });
                // First away from here, where whoever is not signed in is led to the sign-in.
                navigate('/');
                useSession.getState().set(null);
              }}
            />
          </>
        ) : (
          <p className={styles.waiting} role="status">
            <Spinner size={20} /> {t('loading')}
          </p>
        )}
      </div>
    </Page>
  );
}

function Profile({ account }: { account: Account }) {
  const { t } = useTranslation('account');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const name = useRef<HTMLInputElement>(null);
  const email = useRef<HTMLInputElement>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      const changed = await accountApi.change({
        displayName: name.current?.value ?? '',
        email: email.current?.value ?? '',
      });
      useSession.getState().set(changed);
      showToast({ text: t('room.saved'), tone: 'success', key: 'account' });
    } catch (cause) {
      const failed = failureOf(cause);
      setError(failed);
      (failed.field === 'email' ? email : name).current?.focus();
    } finally {
      setBusy(false);
    }
  };
  const field = error?.field;
  return (
    <form className={styles.card} onSubmit={(event) => void submit(event)} noValidate>
      <h2 className={styles.subtitle}>{t('own.profile')}</h2>
      <p className={styles.hint}>{t('own.login', { login: account.login })}</p>
      <TextField
        ref={name}
        label={t('displayName')}
        hint={t('own.nameHint')}
        defaultValue={account.displayName}
        autoComplete="name"
        maxLength={128}
        error={field === 'displayName' ? t('room.notAcceptable') : undefined}
      />
      <TextField
        ref={email}
        type="email"
        label={t('own.email')}
        hint={t('own.emailHint')}
        defaultValue={account.email ?? ''}
        autoComplete="email"
        maxLength={254}
        error={field === 'email' ? t('own.emailWrong') : undefined}
      />
      <Failure error={field ? null : error} />
      <div>
        <Button type="submit" variant="primary" busy={busy}>
          {t('room.save')}
        </Button>
      </div>
    </form>
  );
}

function PasswordForm({ onChanged }: { onChanged(): void }) {
  const { t } = useTranslation('account');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const current = useRef<HTMLInputElement>(null);
  const next = useRef<HTMLInputElement>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || !current.current || !next.current) return;
    setBusy(true);
    setError(null);
    try {
      await accountApi.changePassword(current.current.value, next.current.value);
      current.current.value = '';
      next.current.value = '';
      showToast({ text: t('own.passwordChanged'), tone: 'success', key: 'account' });
      onChanged();
    } catch (cause) {
      const failed = failureOf(cause);
      setError(failed);
      (failed.field === 'password' ? next : current).current?.focus();
    } finally {
      setBusy(false);
    }
  };
  const wrong = error?.status === 401;
  const weak = error?.field === 'password';
  return (
    <form className={styles.card} onSubmit={(event) => void submit(event)} noValidate>
      <h2 className={styles.subtitle}>{t('own.password')}</h2>
      <TextField
        ref={current}
        type="password"
        label={t('own.current')}
        autoComplete="current-password"
        error={wrong ? t('own.wrongPassword') : undefined}
      />
      <TextField
        ref={next}
        type="password"
        label={t('own.next')}
        hint={t('signUp.passwordHint')}
        autoComplete="new-password"
        error={weak ? t('signUp.weak') : undefined}
      />
      <Failure error={wrong || weak ? null : error} />
      <p className={styles.hint}>{t('own.passwordText')}</p>
      <div>
        <Button type="submit" busy={busy}>
          {t('own.changePassword')}
        </Button>
      </div>
    </form>
  );
}

/** For those who sign in at a provider: what is decided there. */
function ElsewhereNote() {
  const { t } = useTranslation('account');
  const provider = useServerConfig()?.provider?.name;
  return (
    <section className={styles.card} aria-labelledby="elsewhere">
      <h2 id="elsewhere" className={styles.subtitle}>
        {t('own.password')}
      </h2>
      <p>{provider ? t('own.elsewhereNamed', { name: provider }) : t('own.elsewhere')}</p>
    </section>
  );
}
