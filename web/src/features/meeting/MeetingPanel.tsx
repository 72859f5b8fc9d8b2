import { Download, MicOff, PhoneOff, Timer as TimerIcon, VideoOff } from 'lucide-react';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Right, type Role, switches } from '../../api/meeting';
import { Button, Dialog, Select, Sheet, Switch, saveFile, showToast, TextField } from '../../ui';
import { useCall, useRoomState } from '../call/context';
import { showPanel } from '../call/uiStore';
import styles from './MeetingPanel.module.css';
import { PictureLimits } from './PictureLimits';
import { Section } from './Section';
import { useCommand } from './useCommand';
import { useMay } from './useMay';

const minutesOffered = ['1', '3', '5', '10', '15', '30', '60'] as const;
const rolesOffered = ['viewer', 'participant', 'presenter'] as const satisfies Role[];

/** Who may come in, who may do what, and the end of it: for those who lead the meeting. */
export default function MeetingPanel() {
  const { t } = useTranslation('call');
  const { ui } = useCall();
  const access = useMay('manage_access');
  const room = useMay('manage_room');
  const mute = useMay('mute');
  const present = useMay('present');
  const report = useMay('read_report');
  const end = useMay('end_room');
  const leads = access || room || mute || present || report || end;
  useEffect(() => {
    if (!leads) showPanel(ui, null);
  }, [leads, ui]);
  return (
    <Sheet
      title={t('action.meeting')}
      closeLabel={t('closePanel')}
      onClose={() => showPanel(ui, null)}
    >
      <div className={styles.content}>
        {mute ? <MuteAll /> : null}
        {present ? <TimerForm /> : null}
        {access ? <Access /> : null}
        {room ? <Allowed /> : null}
        {access ? <Banned /> : null}
        {report ? <Report /> : null}
        {end ? <EndForAll /> : null}
      </div>
    </Sheet>
  );
}

function MuteAll() {
  const { t } = useTranslation('call');
  const command = useCommand();
  return (
    <section className={styles.section}>
      <h3 className={styles.title}>{t('meeting.everybody')}</h3>
      <div className={styles.row}>
        <Button
          icon={MicOff}
          onClick={() => void command('POST', 'mute-all', { source: 'microphone' })}
        >
          {t('meeting.muteAll')}
        </Button>
        <Button
          icon={VideoOff}
          onClick={() => void command('POST', 'mute-all', { source: 'camera' })}
        >
          {t('meeting.camerasOff')}
        </Button>
      </div>
    </section>
  );
}

function TimerForm() {
  const { t } = useTranslation('call');
  const command = useCommand();
  const timer = useRoomState((state) => state.meeting.timer);
  const [minutes, setMinutes] = useState<string>('5');
  const title = useRef<HTMLInputElement>(null);
  const start = (event: FormEvent) => {
    event.preventDefault();
    const durationMs = Number(minutes) * 60_000;
    void command('PUT', 'timer', { durationMs, title: title.current?.value.trim() ?? '' });
  };
  return (
    <Section title={t('timer.title')}>
      <form className={styles.section} onSubmit={start}>
        {timer ? (
          <Button icon={TimerIcon} onClick={() => void command('PUT', 'timer', {})}>
            {t('timer.stop')}
          </Button>
        ) : (
          <>
            <Select
              label={t('timer.length')}
              value={minutes}
              options={minutesOffered.map((value) => ({
                value,
                label: t('timer.minutes', { count: Number(value) }),
              }))}
              onChange={setMinutes}
            />
            <TextField ref={title} label={t('timer.what')} maxLength={60} />
            <Button type="submit" icon={TimerIcon}>
              {t('timer.start')}
            </Button>
          </>
        )}
      </form>
    </Section>
  );
}

function Access() {
  const { t } = useTranslation('call');
  const command = useCommand();
  const rules = useRoomState((state) => state.meeting.rules);
  const password = useRef<HTMLInputElement>(null);
  const most = useRef<HTMLInputElement>(null);
  const set = (change: object) => command('PATCH', 'access', change);
  const keep = async (event: FormEvent) => {
    event.preventDefault();
    const field = password.current;
    if (!field?.value) return;
    if (await set({ password: field.value })) {
      field.value = '';
      showToast({ text: t('meeting.passwordSet'), tone: 'success', key: 'password' });
    }
  };
  const limit = (event: FormEvent) => {
    event.preventDefault();
    // None is no limit.
    const capacity = Number.parseInt(most.current?.value ?? '', 10);
    void set({ capacity: Number.isNaN(capacity) ? 0 : Math.max(0, capacity) });
  };
  if (!rules) return null;
  return (
    <Section title={t('meeting.access')} open>
      <Switch
        label={t('meeting.locked')}
        description={t('meeting.lockedText')}
        checked={rules.locked}
        onChange={(locked) => void set({ locked })}
      />
      <Switch
        label={t('meeting.lobby')}
        description={t('meeting.lobbyText')}
        checked={rules.lobby}
        onChange={(lobby) => void set({ lobby })}
      />
      {rules.lobby ? (
        <Switch
          label={t('meeting.admitSignedIn')}
          description={t('meeting.admitSignedInText')}
          checked={rules.admitSignedIn}
          onChange={(admitSignedIn) => void set({ admitSignedIn })}
        />
      ) : null}
      <form className={styles.field} onSubmit={(event) => void keep(event)}>
        <TextField
          ref={password}
          type="password"
          autoComplete="new-password"
          label={t('meeting.password')}
          hint={t(rules.password ? 'meeting.passwordOn' : 'meeting.passwordOff')}
          maxLength={128}
        />
        <div className={styles.row}>
          <Button type="submit" size="sm">
            {t('meeting.passwordKeep')}
          </Button>
          {rules.password ? (
            <Button size="sm" variant="ghost" onClick={() => void set({ password: '' })}>
              {t('meeting.passwordRemove')}
            </Button>
          ) : null}
        </div>
      </form>
      <form className={styles.field} onSubmit={limit}>
        <TextField
          ref={most}
          type="number"
          inputMode="numeric"
          min={1}
          key={rules.capacity}
          defaultValue={rules.capacity ?? ''}
          label={t('meeting.capacity')}
          hint={t('meeting.capacityHint')}
        />
        <div className={styles.row}>
          <Button type="submit" size="sm">
            {t('meeting.capacityKeep')}
          </Button>
        </div>
      </form>
    </Section>
  );
}

function Allowed() {
  const { t } = useTranslation('call');
  const command = useCommand();
  const rules = useRoomState((state) => state.meeting.rules);
  if (!rules) return null;
  const set = (change: object) => void command('PATCH', 'rules', change);
  const off = new Set<Right>(rules.switchedOff);
  return (
    <Section title={t('meeting.allowed')}>
      {switches.map((right) => (
        <Switch
          key={right}
          label={t(`right.${right}`)}
          checked={!off.has(right)}
          onChange={(on) => set(on ? { switchOn: [right] } : { switchOff: [right] })}
        />
      ))}
      <Switch
        label={t('meeting.startMuted')}
        checked={rules.startAudioMuted}
        onChange={(startAudioMuted) => set({ startAudioMuted })}
      />
      <Switch
        label={t('meeting.startHidden')}
        checked={rules.startVideoMuted}
        onChange={(startVideoMuted) => set({ startVideoMuted })}
      />
      <Switch
        label={t('meeting.webinar')}
        description={t('meeting.webinarText')}
        checked={rules.webinar}
        onChange={(webinar) => set({ webinar })}
      />
      <PictureLimits limits={rules.media} onChange={(media) => set({ media })} />
      <Select
        label={t('meeting.defaultRole')}
        value={rules.defaultRole as (typeof rolesOffered)[number]}
        options={rolesOffered.map((value) => ({ value, label: t(`role.${value}`) }))}
        onChange={(defaultRole) => set({ defaultRole })}
      />
    </Section>
  );
}

function Banned() {
  const { t } = useTranslation('call');
  const command = useCommand();
  const bans = useRoomState((state) => state.meeting.bans);
  if (bans.length === 0) return null;
  return (
    <Section title={t('meeting.banned')}>
      <ul className={styles.list}>
        {bans.map(({ identity, name }) => (
          <li key={identity} className={styles.banned}>
            <span className={styles.name}>{name}</span>
            <Button
              size="sm"
              onClick={() => void command('DELETE', `bans/${encodeURIComponent(identity)}`)}
            >
              {t('meeting.unban')}
            </Button>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Report() {
  const { t } = useTranslation('call');
  const { call, room } = useCall();
  const download = async () => {
    try {
      const answer = await call.link.read('attendance.csv');
      saveFile(await answer.blob(), `${room}.csv`);
    } catch {
      showToast({ text: t('meeting.reportFailed'), tone: 'warning', key: 'report' });
    }
  };
  return (
    <Section title={t('meeting.report')}>
      <Button icon={Download} onClick={() => void download()}>
        {t('meeting.reportDownload')}
      </Button>
    </Section>
  );
}

function EndForAll() {
  const { t } = useTranslation('call');
  const command = useCommand();
  const [asking, setAsking] = useState(false);
  return (
    <section className={styles.section}>
      <Button variant="danger" icon={PhoneOff} onClick={() => setAsking(true)}>
        {t('meeting.end')}
      </Button>
      {asking ? (
        <Dialog
          title={t('meeting.endTitle')}
          closeLabel={t('closePanel')}
          size="sm"
          modal={false}
          onClose={() => setAsking(false)}
        >
          <p>{t('meeting.endText')}</p>
          <div className={styles.row}>
            <Button onClick={() => setAsking(false)}>{t('leave.stay')}</Button>
            <Button variant="danger" onClick={() => void command('POST', 'end')}>
              {t('meeting.end')}
            </Button>
          </div>
        </Dialog>
      ) : null}
    </section>
  );
}
