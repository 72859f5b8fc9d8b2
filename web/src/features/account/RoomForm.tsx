import { type FormEvent, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiError } from '../../api';
import {
  accesses,
  accountApi,
  type OwnRoom,
  type Recurrence,
  type RoomDetails,
  recurrences,
} from '../../api/account';
import { Button, Select, Switch, TextField } from '../../ui';
import { PictureLimits } from '../meeting/PictureLimits';
import styles from './Account.module.css';
import { Failure } from './Failure';
import { failureOf, taken } from './failure';
import { fromField, nextHour, toField } from './when';

const fresh: RoomDetails = {
  title: '',
  description: '',
  access: 'anyone',
  startsWithoutOwner: false,
  capacity: null,
  lobby: false,
  startMuted: false,
  startWithoutVideo: false,
  webinar: false,
  media: { maxHeight: null, maxFps: null, videoCodecs: [] },
  schedule: null,
  keepS: null,
};

/** How long messages may stay, in seconds. */
const keepsOffered = ['server', '0', '86400', '604800', '2592000', '31536000'] as const;

const switches = [
  'startsWithoutOwner',
  'lobby',
  'startMuted',
  'startWithoutVideo',
  'webinar',
] as const satisfies (keyof RoomDetails)[];

interface RoomFormProps {
  /** `null` for a new one. */
  room: OwnRoom | null;
  onSaved(room: OwnRoom): void;
}

/** What an owner decides of a room. */
export function RoomForm({ room, onSaved }: RoomFormProps) {
  const { t } = useTranslation('account');
  const { t: failed } = useTranslation('errors');
  const [details, setDetails] = useState<RoomDetails>(room ?? fresh);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const [nameProblem, setNameProblem] = useState<string | null>(null);
  const [forgetPassword, setForgetPassword] = useState(false);
  const name = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  const descriptionId = useId();
  const set = (change: Partial<RoomDetails>) => setDetails((before) => ({ ...before, ...change }));
  const wrong = (field: string) => (error?.field === field ? t('room.notAcceptable') : undefined);

  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const typed = name.current?.value.trim() ?? '';
    setNameProblem(null);
    setBusy(true);
    setError(null);
    const given = password.current?.value;
    const body = {
      title: details.title,
      description: details.description,
      access: details.access,
      startsWithoutOwner: details.startsWithoutOwner,
      capacity: details.capacity,
      lobby: details.lobby,
      startMuted: details.startMuted,
      startWithoutVideo: details.startWithoutVideo,
      webinar: details.webinar,
      media: details.media,
      schedule: details.schedule,
      keepS: details.keepS,
      ...(given ? { password: given } : forgetPassword ? { password: '' } : {}),
    };
    try {
      const saved = room
        ? await accountApi.changeRoom(room.name, body)
        : await accountApi.createRoom({ ...body, name: typed });
      if (password.current) password.current.value = '';
      setForgetPassword(false);
      setDetails(saved);
      onSaved(saved);
    } catch (cause) {
      const wrong = failureOf(cause);
      setError(wrong);
      if (wrong.field === 'name') {
        setNameProblem(wrong.status === taken ? t('room.taken') : failed(`api.${wrong.code}`));
        name.current?.focus();
      }
    } finally {
      setBusy(false);
    }
  };

  const shownAtField = ['name', 'title', 'capacity'].includes(error?.field ?? '');
  return (
    <form className={styles.form} onSubmit={(event) => void save(event)} noValidate>
      <section className={styles.card}>
        {room ? null : (
          <TextField
            ref={name}
            label={t('room.name')}
            hint={t('room.nameHint')}
            error={nameProblem ?? undefined}
            maxLength={128}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
          />
        )}
        <TextField
          label={t('room.title')}
          value={details.title}
          maxLength={128}
          error={wrong('title')}
          onChange={(event) => set({ title: event.target.value })}
        />
        <div className={styles.field}>
          <label htmlFor={descriptionId} className={styles.label}>
            {t('room.description')}
          </label>
          <textarea
            id={descriptionId}
            className={styles.textarea}
            rows={3}
            maxLength={2000}
            value={details.description}
            onChange={(event) => set({ description: event.target.value })}
          />
        </div>
      </section>

      <section className={styles.card}>
        <h2 className={styles.subtitle}>{t('room.whoComes')}</h2>
        <Select
          label={t('room.access')}
          value={details.access}
          options={accesses.map((value) => ({ value, label: t(`access.${value}`) }))}
          onChange={(access) => set({ access })}
        />
        <TextField
          ref={password}
          type="password"
          label={t('room.password')}
          hint={room?.hasPassword ? t('room.passwordKept') : t('room.passwordNone')}
          autoComplete="new-password"
        />
        {room?.hasPassword ? (
          <Switch
            label={t('room.passwordForget')}
            checked={forgetPassword}
            onChange={setForgetPassword}
          />
        ) : null}
        <TextField
          type="number"
          inputMode="numeric"
          min={1}
          label={t('room.capacity')}
          hint={t('room.capacityHint')}
          error={wrong('capacity')}
          value={details.capacity ?? ''}
          onChange={(event) => {
            const most = Number.parseInt(event.target.value, 10);
            set({ capacity: Number.isNaN(most) ? null : Math.max(0, most) });
          }}
        />
      </section>

      <section className={styles.card}>
        <h2 className={styles.subtitle}>{t('room.begins')}</h2>
        {switches.map((key) => (
          <Switch
            key={key}
            label={t(`room.switch.${key}`)}
            description={t(`room.switchText.${key}`)}
            checked={details[key]}
            onChange={(on) => set({ [key]: on })}
          />
        ))}
      </section>

      <section className={styles.card}>
        <h2 className={styles.subtitle}>{t('room.cameras')}</h2>
        <PictureLimits limits={details.media} onChange={(media) => set({ media })} />
      </section>

      <section className={styles.card}>
        <Select
          label={t('room.keeps')}
          hint={t('room.keepsText')}
          value={keepsOffered.find((value) => value === String(details.keepS)) ?? 'server'}
          options={keepsOffered.map((value) => ({ value, label: t(`room.keep.${value}`) }))}
          onChange={(value) => set({ keepS: value === 'server' ? null : Number(value) })}
        />
      </section>

      <Meets details={details} set={set} />

      <Failure error={shownAtField ? null : error} />
      <Button type="submit" variant="primary" size="lg" busy={busy}>
        {room ? t('room.save') : t('room.create')}
      </Button>
    </form>
  );
}

interface MeetsProps {
  details: RoomDetails;
  set(change: Partial<RoomDetails>): void;
}

function Meets({ details: { schedule }, set }: MeetsProps) {
  const { t } = useTranslation('account');
  const repeats = ['never', ...recurrences] as const;
  const change = (next: Partial<NonNullable<RoomDetails['schedule']>>) => {
    if (schedule) set({ schedule: { ...schedule, ...next } });
  };
  return (
    <section className={styles.card}>
      <h2 className={styles.subtitle}>{t('room.meets')}</h2>
      <Switch
        label={t('room.scheduled')}
        description={t('room.scheduledText')}
        checked={schedule !== null}
        onChange={(on) =>
          set({
            schedule: on ? { startsAt: nextHour(Date.now()), durationMin: 60, repeat: null } : null,
          })
        }
      />
      {schedule ? (
        <div className={styles.row}>
          <TextField
            type="datetime-local"
            label={t('room.starts')}
            value={toField(schedule.startsAt)}
            onChange={(event) => {
              const startsAt = fromField(event.target.value);
              if (startsAt !== null) change({ startsAt });
            }}
          />
          <TextField
            type="number"
            inputMode="numeric"
            min={1}
            label={t('room.minutes')}
            value={schedule.durationMin || ''}
            onChange={(event) =>
              change({ durationMin: Math.max(0, Number.parseInt(event.target.value, 10) || 0) })
            }
          />
          <Select
            label={t('room.repeats')}
            value={schedule.repeat?.every ?? 'never'}
            options={repeats.map((value) => ({ value, label: t(`repeat.${value}`) }))}
            onChange={(every) =>
              change({ repeat: every === 'never' ? null : { every: every as Recurrence } })
            }
          />
        </div>
      ) : null}
    </section>
  );
}
