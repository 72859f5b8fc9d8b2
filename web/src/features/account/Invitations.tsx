import { Copy, Link2, Undo2 } from 'lucide-react';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiError } from '../../api';
import { accountApi, type Invitation, type InvitedRole, invitedRoles } from '../../api/account';
import { hashOfInvitation } from '../../api/invitation';
import { Button, IconButton, Select, showToast, TextField } from '../../ui';
import styles from './Account.module.css';
import { Failure } from './Failure';
import { failureOf } from './failure';

const days = ['1', '7', '30', '365'] as const;
const uses = ['1', '10', 'any'] as const;

/** Personal links to a room: made here, shown once, taken back here. */
export function Invitations({ room }: { room: string }) {
  const { t, i18n } = useTranslation('account');
  const [all, setAll] = useState<Invitation[]>([]);
  const [error, setError] = useState<ApiError | null>(null);
  const [role, setRole] = useState<InvitedRole>('participant');
  const [lasts, setLasts] = useState<(typeof days)[number]>('7');
  const [often, setOften] = useState<(typeof uses)[number]>('1');
  const [link, setLink] = useState<string | null>(null);
  const label = useRef<HTMLInputElement>(null);
  const shown = useRef<HTMLInputElement>(null);

  useEffect(() => {
    accountApi.invitations(room).then(setAll, (cause) => setError(failureOf(cause)));
  }, [room]);
  useEffect(() => {
    if (link) shown.current?.select();
  }, [link]);

  const invite = async (event: FormEvent) => {
    event.preventDefault();
    setError(null);
    try {
      const { invitation, secret } = await accountApi.invite(room, {
        label: label.current?.value.trim() ?? '',
        role,
        lifetimeS: Number(lasts) * 86_400,
        ...(often === 'any' ? {} : { maxUses: Number(often) }),
      });
      setAll((before) => [invitation, ...before]);
      setLink(`${window.location.origin}/${encodeURIComponent(room)}${hashOfInvitation(secret)}`);
      if (label.current) label.current.value = '';
    } catch (cause) {
      setError(failureOf(cause));
    }
  };

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(link ?? '');
      showToast({ text: t('invitations.copied'), tone: 'success', key: 'copied' });
    } catch {
      // Browsers may keep the clipboard from us: the link stays selected.
      shown.current?.select();
    }
  };

  const revoke = async ({ id }: Invitation) => {
    try {
      await accountApi.revoke(room, id);
      setAll((before) => before.map((one) => (one.id === id ? { ...one, valid: false } : one)));
    } catch (cause) {
      setError(failureOf(cause));
    }
  };

  const until = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium', timeStyle: 'short' });
  return (
    <section className={styles.card} aria-labelledby="invitations">
      <h2 id="invitations" className={styles.subtitle}>
        {t('invitations.title')}
      </h2>
      <p className={styles.hint}>{t('invitations.text')}</p>
      <form className={styles.form} onSubmit={(event) => void invite(event)} noValidate>
        <TextField ref={label} label={t('invitations.label')} maxLength={128} />
        <div className={styles.row}>
          <Select
            label={t('invitations.role')}
            value={role}
            options={invitedRoles.map((value) => ({ value, label: t(`role.${value}`) }))}
            onChange={(value) => setRole(value)}
          />
          <Select
            label={t('invitations.lasts')}
            value={lasts}
            options={days.map((value) => ({
              value,
              label: t('invitations.days', { count: Number(value) }),
            }))}
            onChange={(value) => setLasts(value)}
          />
          <Select
            label={t('invitations.uses')}
            value={often}
            options={uses.map((value) => ({
              value,
              label:
                value === 'any'
                  ? t('invitations.anyUses')
                  : t('invitations.times', { count: Number(value) }),
            }))}
            onChange={(value) => setOften(value)}
          />
        </div>
        <div>
          <Button type="submit" icon={Link2}>
            {t('invitations.make')}
          </Button>
        </div>
      </form>
      {link ? (
        <div className={styles.link} role="status">
          <TextField
            ref={shown}
            readOnly
            label={t('invitations.link')}
            hint={t('invitations.once')}
            value={link}
          />
          <Button icon={Copy} onClick={() => void copy()}>
            {t('invitations.copy')}
          </Button>
        </div>
      ) : null}
      <Failure error={error} />
      <ul className={styles.invitations}>
        {all.map((one) => (
          <li key={one.id} data-void={one.valid ? undefined : ''}>
            <span>
              <span>
                <strong>{one.label || t('invitations.anybody')}</strong>, {t(`role.${one.role}`)}
              </span>
              <span className={styles.hint}>
                {one.valid
                  ? t('invitations.state', {
                      until: until.format(one.expiresAt),
                      used: one.uses,
                      most: one.maxUses ?? '∞',
                    })
                  : t('invitations.over')}
              </span>
            </span>
            {one.valid ? (
              <IconButton
                icon={Undo2}
                label={t('invitations.revoke', { name: one.label || t('invitations.anybody') })}
                onClick={() => void revoke(one)}
              />
            ) : null}
          </li>
        ))}
      </ul>
    </section>
  );
}
