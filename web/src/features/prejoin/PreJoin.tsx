import { Lock, Settings, Users } from 'lucide-react';
import { type FormEvent, lazy, Suspense, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, type JoinAnswer, joinRoom } from '../../api';
import { keepBehindHash } from '../../api/behindHash';
import type { LobbyAnswer } from '../../api/meeting';
import { readSecret } from '../../api/secret';
import type { JoinIntent } from '../../call/joinIntent';
import { usePreferences } from '../../media/preferences';
import { Button, Icon, IconButton, TextField, usePageMeta } from '../../ui';
import { Page } from '../shell/Page';
import { DeviceControls } from './DeviceControls';
import { DeviceProblems } from './DeviceProblems';
import { intentOf } from './intent';
import styles from './PreJoin.module.css';
import { PreviewTile } from './PreviewTile';
import { MicMeter, SpeakerTest } from './SoundCheck';
import { usePreview } from './usePreview';
import { useRoomInfo } from './useRoomInfo';

const SettingsDialog = lazy(() => import('../settings/SettingsDialog'));

interface PreJoinProps {
  room: string;
  /** Fetches the call's code ahead. */
  prefetchCall(): void;
  onJoin(intent: JoinIntent): void;
  /** One has to wait to be let in; `enter` turns the answer of the lobby into what the call needs. */
  onWait(place: LobbyAnswer, enter: (answer: JoinAnswer) => JoinIntent): void;
  /** The room refuses: full, banned, ended, no such name. Such errors have pages of their own. */
  onRefused(error: ApiError): void;
}

const maxName = 128;
/** How often somebody who came early asks whether the meeting has begun. */
const beginPollMs = 5_000;
/** Told at the field they are about. */
const inFields = new Set(['invalid_display_name', 'password_needed', 'wrong_password']);
const refusals = new Set([
  'invalid_room_name',
  'reserved_room_name',
  'room_full',
  'banned',
  'room_ended',
  'forbidden',
  'locked',
  'lobby_full',
  'not_found',
]);

/** Before the call: see and hear oneself, choose devices, say one's name, enter. */
export function PreJoin({ room, prefetchCall, onJoin, onWait, onRefused }: PreJoinProps) {
  const { t } = useTranslation('prejoin');
  const preview = usePreview();
  const { info, error: infoError } = useRoomInfo(room);
  const [nameMissing, setNameMissing] = useState(false);
  const [joining, setJoining] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const [settingsOpen, setSettingsOpen] = useState(false);
  const [passwordWanted, setPasswordWanted] = useState(false);
  const passwordField = useRef<HTMLInputElement>(null);
  const nameField = useRef<HTMLInputElement>(null);
  const joinButton = useRef<HTMLButtonElement>(null);
  const secret = readSecret(window.location.hash);
  const title = info?.name ?? room;
  usePageMeta({ title: t('title', { room: title }) });

  useEffect(prefetchCall, [prefetchCall]);

  // Enter joins at once: a remembered name needs no more typing.
  useEffect(() => {
    (usePreferences.getState().displayName ? joinButton : nameField).current?.focus();
  }, []);

  useEffect(() => {
    if (infoError && refusals.has(infoError.code)) onRefused(infoError);
  }, [infoError, onRefused]);

  const enter = async (withDevices: boolean) => {
    // Read from the field itself: password managers and input methods may fill it without a change event.
    const displayName = (nameField.current?.value ?? '').normalize('NFC').trim();
    setNameMissing(displayName === '');
    if (displayName === '') {
      nameField.current?.focus();
      return;
    }
    setJoining(true);
    setError(null);
    usePreferences.getState().set({ displayName });
    try {
      const password = passwordField.current?.value || undefined;
      const answer = await joinRoom(room, displayName, { password });
      const { state } = preview;
      if ('token' in answer) {
        preview.handOver();
        onJoin(intentOf(answer, state, withDevices));
      } else onWait(answer, (later) => intentOf(later, state, withDevices));
    } catch (cause) {
      const failed = cause instanceof ApiError ? cause : new ApiError('internal', 0, String(cause));
      setJoining(false);
      if (failed.code === 'password_needed' || failed.code === 'wrong_password') {
        setPasswordWanted(true);
        // The field comes with the next rendering.
        setTimeout(() => passwordField.current?.focus());
      }
      if (refusals.has(failed.code)) onRefused(failed);
      else setError(failed);
    }
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!joining) void enter(true);
  };

  // A meeting that has not begun is asked for again until it has.
  const again = useRef(enter);
  again.current = enter;
  useEffect(() => {
    if (error?.code !== 'not_begun') return;
    const timer = setTimeout(() => void again.current(true), beginPollMs);
    return () => clearTimeout(timer);
  }, [error]);

  const { audio, video } = preview.state;
  const unready = [audio, video].some(({ phase }) => phase === 'asking' || phase === 'problem');

  return (
    <Page
      footer={false}
      actions={
        <IconButton
          icon={Settings}
          label={t('settings')}
          tipPlacement="bottom"
          aria-haspopup="dialog"
          onClick={() => setSettingsOpen(true)}
        />
      }
    >
      <div className={styles.layout}>
        <div className={styles.self}>
          <PreviewTile state={preview.state}>
            <DeviceControls preview={preview} />
          </PreviewTile>
          <div className={styles.check}>
            <MicMeter track={audio.track} phase={audio.phase} />
            <SpeakerTest />
          </div>
        </div>

        <div className={styles.enter}>
          <div>
            <h1 className={styles.room}>{title}</h1>
            <p className={styles.people} role="status">
              <Icon icon={Users} size={18} />
              {info && !infoError
                ? t('people', { count: info.participants })
                : infoError
                  ? t('peopleFailed')
                  : t('peopleUnknown')}
            </p>
            {secret ? (
              <p className={styles.people}>
                <Icon icon={Lock} size={18} />
                {t('encrypted')}
              </p>
            ) : null}
          </div>

          <form className={styles.form} onSubmit={submit} noValidate>
            <TextField
              ref={nameField}
              large
              label={t('name')}
              defaultValue={usePreferences.getState().displayName}
              maxLength={maxName}
              autoComplete="name"
              enterKeyHint="go"
              error={
                nameMissing
                  ? t('nameMissing')
                  : error?.code === 'invalid_display_name'
                    ? t('nameInvalid')
                    : undefined
              }
              onChange={() => {
                setNameMissing(false);
                setError(null);
              }}
            />
            {passwordWanted ? (
              <TextField
                ref={passwordField}
                large
                type="password"
                label={t('password')}
                autoComplete="off"
                error={error?.code === 'wrong_password' ? t('passwordWrong') : undefined}
                hint={t('passwordHint')}
              />
            ) : null}
            <Button ref={joinButton} type="submit" variant="primary" size="lg" block busy={joining}>
              {t('join')}
            </Button>
            {unready ? (
              <Button variant="ghost" block onClick={() => void enter(false)}>
                {t('joinWithout')}
              </Button>
            ) : null}
            {error && !inFields.has(error.code) ? <JoinError error={error} room={room} /> : null}
          </form>

          <DeviceProblems audio={audio} video={video} onRetry={preview.retry} />
        </div>
      </div>

      {settingsOpen ? (
        <Suspense fallback={null}>
          <SettingsDialog preview={preview} onClose={() => setSettingsOpen(false)} />
        </Suspense>
      ) : null}
    </Page>
  );
}

function JoinError({ error, room }: { error: ApiError; room: string }) {
  const { t } = useTranslation('errors');
  return (
    <div className={styles.error} role="alert">
      <p>{t(`api.${error.code}`)}</p>
      {error.code === 'sign_in_needed' ? (
        <a href={`/login?to=${encodeURIComponent(room)}`} onClick={() => keepBehindHash(room)}>
          {t('signIn')}
        </a>
      ) : null}
      {error.reference ? (
        <p className={styles.reference}>{t('reference', { reference: error.reference })}</p>
      ) : null}
    </div>
  );
}
