import { LogIn } from 'lucide-react';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type ApiError, useServerConfig } from '../../api';
import { accountApi, useSession } from '../../api/account';
import { usePreferences } from '../../media/preferences';
import { Button, TextField, usePageMeta } from '../../ui';
import { Page } from '../shell/Page';
import styles from './Account.module.css';
import { Failure } from './Failure';
import { failureOf, taken } from './failure';
import { providerAddress, providerProblem } from './signInLeadsTo';
import './words';

interface SignInPageProps {
  /** Somebody is signed in. */
  onDone(): void;
}

/** Signs in, or makes an account where people may. */
export function SignInPage({ onDone }: SignInPageProps) {
  const { t } = useTranslation('account');
  const config = useServerConfig();
  const account = useSession((state) => state.account);
  const [making, setMaking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const [missing, setMissing] = useState<'login' | 'password' | null>(null);
  const login = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  const name = useRef<HTMLInputElement>(null);
  const title = making ? t('signUp.title') : t('signIn.title');
  usePageMeta({ title: t('pageTitle', { title }) });

  useEffect(() => useSession.getState().load(), []);
  useEffect(() => login.current?.focus(), []);
  useEffect(() => {
    if (account) onDone();
  }, [account, onDone]);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const typed = {
      login: login.current?.value.trim() ?? '',
      password: password.current?.value ?? '',
      displayName: name.current?.value.trim() || (login.current?.value.trim() ?? ''),
    };
    const lacks = typed.login === '' ? 'login' : typed.password === '' ? 'password' : null;
    setMissing(lacks);
    setError(null);
    if (lacks) {
      (lacks === 'login' ? login : password).current?.focus();
      return;
    }
    setBusy(true);
    try {
      const answer = making
        ? await accountApi.signUp(typed)
        : await accountApi.signIn(typed.login, typed.password);
      if (answer.account && usePreferences.getState().displayName === '') {
        usePreferences.getState().set({ displayName: answer.account.displayName });
      }
      useSession.getState().set(answer.account);
    } catch (cause) {
      const failed = failureOf(cause);
      setBusy(false);
      setError(failed);
      (failed.field === 'login' ? login : password).current?.focus();
    }
  };

  const wrongLogin = error?.field === 'login';
  const wrongCredentials = error?.status === 401;
  const wrongPassword = error?.field === 'password';
  return (
    <Page>
      <div className={styles.narrow}>
        <h1 className={styles.title}>{title}</h1>
        <p className={styles.lead}>{making ? t('signUp.lead') : t('signIn.lead')}</p>
        {making ? null : <AtProvider name={config?.provider?.name} />}
        <form className={styles.card} onSubmit={(event) => void submit(event)} noValidate>
          <TextField
            ref={login}
            label={t('login')}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={64}
            hint={making ? t('signUp.loginHint') : undefined}
            error={
              missing === 'login'
                ? t('loginMissing')
                : wrongLogin
                  ? t(error.status === taken ? 'signUp.taken' : 'signUp.loginHint')
                  : undefined
            }
          />
          {making ? (
            <TextField ref={name} label={t('displayName')} autoComplete="name" maxLength={128} />
          ) : null}
          <TextField
            ref={password}
            type="password"
            label={t('password')}
            autoComplete={making ? 'new-password' : 'current-password'}
            hint={making ? t('signUp.passwordHint') : undefined}
            error={
              missing === 'password'
                ? t('passwordMissing')
                : wrongCredentials
                  ? t('signIn.wrong')
                  : wrongPassword
                    ? t('signUp.weak')
                    : undefined
            }
          />
          <Failure error={wrongLogin || wrongPassword || wrongCredentials ? null : error} />
          <Button type="submit" variant="primary" size="lg" block busy={busy}>
            {making ? t('signUp.do') : t('signIn.do')}
          </Button>
        </form>
        {config?.signUp ? (
          <Button variant="ghost" onClick={() => setMaking(!making)}>
            {making ? t('signUp.instead') : t('signIn.instead')}
          </Button>
        ) : null}
      </div>
    </Page>
  );
}

/** The way to the operator's identity provider, and what became of it the last time. */
function AtProvider({ name }: { name: string | undefined }) {
  const { t } = useTranslation('account');
  const { t: failed } = useTranslation('errors');
  const [leaving, setLeaving] = useState(false);
  const before = providerProblem();
  const leave = () => {
    setLeaving(true);
    window.location.assign(providerAddress());
  };
  return (
    <>
      {before ? (
        <div className={styles.failure} role="alert">
          <p>{t(`provider.problem.${before.problem}`)}</p>
          {before.reference ? (
            <p className={styles.hint}>{failed('reference', { reference: before.reference })}</p>
          ) : null}
        </div>
      ) : null}
      {name === undefined ? null : (
        <Button size="lg" block icon={LogIn} busy={leaving} onClick={leave}>
          {name === '' ? t('provider.unnamed') : t('provider.named', { name })}
        </Button>
      )}
    </>
  );
}
