import {
  DoorOpen,
  LifeBuoy,
  LogIn,
  Megaphone,
  Plus,
  Shuffle,
  Trash2,
  Undo2,
  Users,
} from 'lucide-react';
import { type DragEvent, type FormEvent, type ReactNode, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { BreakoutPerson, BreakoutRoom, BreakoutRooms } from '../../api/meeting';
import {
  Button,
  IconButton,
  Select,
  type SelectOption,
  Switch,
  showToast,
  TextField,
} from '../../ui';
import { useCall, useCallState } from '../call/context';
import { useCommand } from '../meeting/useCommand';
import { useCountdown } from '../meeting/useCountdown';
import styles from './BreakoutPanel.module.css';

const minutesOffered = ['', '5', '10', '15', '20', '30', '45', '60'] as const;
const mostAtOnce = 20;
/** How long people have to finish when they are called back, in ms. */
const graceMs = 15_000;
const dragged = 'application/x-tertulia-person';

interface LeadBreakoutsProps {
  all: BreakoutRooms;
  /** The breakout room the leader is in. */
  here: number | null;
}

/** Makes breakout rooms, puts people into them, opens and closes them. */
export function LeadBreakouts({ all, here }: LeadBreakoutsProps) {
  return (
    <div className={styles.content}>
      {all.open ? <Running all={all} here={here} /> : <Begin all={all} />}
      <Rooms all={all} here={here} />
      <Add count={all.rooms.length} />
      <Options all={all} />
    </div>
  );
}

type Minutes = (typeof minutesOffered)[number];

/** How long rooms may be open, to choose from. */
function useMinuteChoices(): SelectOption<Minutes>[] {
  const { t } = useTranslation('call');
  return minutesOffered.map((value) => ({
    value,
    label: value === '' ? t('breakout.noEnd') : t('timer.minutes', { count: Number(value) }),
  }));
}

function milliseconds(minutes: Minutes): number | null {
  return minutes === '' ? null : Number(minutes) * 60_000;
}

function Begin({ all }: { all: BreakoutRooms }) {
  const { t } = useTranslation('call');
  const command = useCommand();
  const [minutes, setMinutes] = useState<Minutes>('');
  const choices = useMinuteChoices();
  if (all.rooms.length === 0) return <p className={styles.note}>{t('breakout.none')}</p>;
  const durationMs = milliseconds(minutes);
  return (
    <section className={styles.section}>
      <Select
        label={t('breakout.length')}
        value={minutes}
        options={choices}
        onChange={(value: Minutes) => setMinutes(value)}
      />
      <div className={styles.row}>
        <Button
          variant="primary"
          icon={DoorOpen}
          onClick={() => void command('POST', 'breakouts/open', { durationMs })}
        >
          {t('breakout.open')}
        </Button>
        <Button
          icon={Shuffle}
          onClick={() => void command('POST', 'breakouts/shuffle', { all: true })}
        >
          {t('breakout.shuffle')}
        </Button>
      </div>
    </section>
  );
}

function Running({ all, here }: LeadBreakoutsProps) {
  const { t } = useTranslation('call');
  const { call } = useCall();
  const command = useCommand();
  const { clock } = useCountdown(all.endsAt);
  const field = useRef<HTMLInputElement>(null);
  const [minutes, setMinutes] = useState<Minutes>('');
  const choices = useMinuteChoices();
  const say = async (event: FormEvent) => {
    event.preventDefault();
    const text = field.current?.value.trim();
    if (!text) return;
    try {
      await call.link.broadcast(text);
      if (field.current) field.current.value = '';
      showToast({ text: t('breakout.said'), tone: 'success', key: 'broadcast' });
    } catch {
      showToast({ text: t('notice.commandFailed'), tone: 'warning', key: 'command' });
    }
  };
  const setEnd = (value: Minutes) => {
    setMinutes(value);
    void command('PUT', 'breakouts/end', { durationMs: milliseconds(value) });
  };
  return (
    <section className={styles.section}>
      <p className={styles.state}>
        <strong>{t('breakout.running')}</strong>
        {clock ? (
          <span role="timer" aria-live="off">
            {t(all.closing ? 'breakout.closesIn' : 'breakout.endsIn', { time: clock })}
          </span>
        ) : null}
      </p>
      <div className={styles.row}>
        <Button
          variant="primary"
          icon={Undo2}
          onClick={() => void command('POST', 'breakouts/close', { graceMs })}
          disabled={all.closing}
        >
          {t('breakout.close')}
        </Button>
        {here === null ? null : (
          <Button onClick={() => void command('PUT', 'breakouts/place', { breakout: null })}>
            {t('breakout.back')}
          </Button>
        )}
      </div>
      <Select
        label={t('breakout.endFromNow')}
        value={minutes}
        options={choices}
        onChange={setEnd}
      />
      <form className={styles.say} onSubmit={(event) => void say(event)}>
        <TextField ref={field} label={t('breakout.broadcast')} maxLength={1000} />
        <Button type="submit" icon={Megaphone}>
          {t('breakout.send')}
        </Button>
      </form>
    </section>
  );
}

function Rooms({ all, here }: LeadBreakoutsProps) {
  const { t } = useTranslation('call');
  const command = useCommand();
  const participants = useCallState((state) => state.snapshot.participants);
  const placed = new Set(
    all.rooms.flatMap((room) => [...room.assigned, ...room.here].map((one) => one.identity)),
  );
  const unplaced = participants.filter((one) => !placed.has(one.identity) && !one.isLocal);
  const assign = (identity: string, breakout: number | null) =>
    void command('PUT', 'breakouts/assignments', { identities: [identity], breakout });
  if (all.rooms.length === 0) return null;
  return (
    <>
      <ul className={styles.rooms}>
        {all.rooms.map((room) => (
          <Room key={room.id} room={room} all={all} here={here === room.id} onAssign={assign} />
        ))}
      </ul>
      {unplaced.length > 0 ? (
        <DropPlace label={t('breakout.nowhere')} onDropped={(identity) => assign(identity, null)}>
          <h3 className={styles.title}>
            {t('breakout.nowhere')} ({unplaced.length})
          </h3>
          <ul className={styles.people}>
            {unplaced.map((person) => (
              <Person
                key={person.identity}
                person={person}
                breakout={null}
                all={all}
                onAssign={assign}
              />
            ))}
          </ul>
          {all.open ? (
            <Button
              size="sm"
              icon={Shuffle}
              onClick={() => void command('POST', 'breakouts/shuffle', { all: false })}
            >
              {t('breakout.shuffleRest')}
            </Button>
          ) : null}
        </DropPlace>
      ) : null}
    </>
  );
}

interface RoomProps {
  room: BreakoutRoom;
  all: BreakoutRooms;
  here: boolean;
  onAssign(identity: string, breakout: number | null): void;
}

function Room({ room, all, here, onAssign }: RoomProps) {
  const { t } = useTranslation('call');
  const command = useCommand();
  const present = new Set(room.here.map(({ identity }) => identity));
  const known = new Set(room.assigned.map(({ identity }) => identity));
  const people = [...room.assigned, ...room.here.filter(({ identity }) => !known.has(identity))];
  const rename = (name: string) => {
    if (name.trim() === '' || name.trim() === room.name) return;
    void command('PATCH', `breakouts/${room.id}`, { name: name.trim() });
  };
  return (
    <li className={styles.room} data-help={room.help !== null || undefined}>
      <DropPlace label={room.name} onDropped={(identity) => onAssign(identity, room.id)}>
        <div className={styles.head}>
          <input
            className={styles.rename}
            aria-label={t('breakout.nameOf', { name: room.name })}
            defaultValue={room.name}
            key={room.name}
            maxLength={60}
            onBlur={(event) => rename(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === 'Enter') event.currentTarget.blur();
            }}
          />
          <span className={styles.count}>
            <Users size={16} aria-hidden="true" />
            <span className="visually-hidden">{t('breakout.peopleIn')}</span>
            {all.open ? `${room.here.length}/${people.length}` : people.length}
          </span>
          {all.open && !here ? (
            <IconButton
              label={t('breakout.visit', { name: room.name })}
              icon={LogIn}
              onClick={() => void command('PUT', 'breakouts/place', { breakout: room.id })}
            />
          ) : null}
          <IconButton
            label={t('breakout.remove', { name: room.name })}
            icon={Trash2}
            onClick={() => void command('DELETE', `breakouts/${room.id}`)}
          />
        </div>
        {here ? <p className={styles.note}>{t('breakout.youAreHere')}</p> : null}
        {room.help ? (
          <div className={styles.help}>
            <LifeBuoy size={18} aria-hidden="true" />
            <span>{t('breakout.wantsHelp', { name: room.help.name })}</span>
            <Button
              size="sm"
              variant="primary"
              onClick={() => void command('PUT', 'breakouts/place', { breakout: room.id })}
            >
              {t('breakout.join')}
            </Button>
            <Button
              size="sm"
              variant="ghost"
              onClick={() => void command('DELETE', `breakouts/${room.id}/help`)}
            >
              {t('breakout.dismiss')}
            </Button>
          </div>
        ) : null}
        <ul className={styles.people}>
          {people.map((person) => (
            <Person
              key={person.identity}
              person={person}
              breakout={known.has(person.identity) ? room.id : null}
              all={all}
              missing={all.open && !present.has(person.identity)}
              onAssign={onAssign}
            />
          ))}
        </ul>
      </DropPlace>
    </li>
  );
}

interface PersonProps {
  person: BreakoutPerson;
  breakout: number | null;
  all: BreakoutRooms;
  missing?: boolean;
  onAssign(identity: string, breakout: number | null): void;
}

/** Somebody to be dragged into a room, or sent there with the list beside their name. */
function Person({ person, breakout, all, missing = false, onAssign }: PersonProps) {
  const { t } = useTranslation('call');
  return (
    <li
      className={styles.person}
      draggable
      onDragStart={(event) => event.dataTransfer.setData(dragged, person.identity)}
    >
      <span className={styles.name}>
        {person.name}
        {missing ? <span className={styles.note}> {t('breakout.notThere')}</span> : null}
      </span>
      <Select
        hideLabel
        label={t('breakout.whereIs', { name: person.name })}
        value={breakout === null ? '' : String(breakout)}
        options={[
          { value: '', label: t('breakout.main') },
          ...all.rooms.map(({ id, name }) => ({ value: String(id), label: name })),
        ]}
        onChange={(value) => onAssign(person.identity, value === '' ? null : Number(value))}
      />
    </li>
  );
}

interface DropPlaceProps {
  label: string;
  onDropped(identity: string): void;
  children: ReactNode;
}

function DropPlace({ label, onDropped, children }: DropPlaceProps) {
  const [over, setOver] = useState(false);
  const concerns = (event: DragEvent) => event.dataTransfer.types.includes(dragged);
  return (
    <section
      aria-label={label}
      className={styles.drop}
      data-over={over || undefined}
      onDragOver={(event) => {
        if (!concerns(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        setOver(false);
        const identity = event.dataTransfer.getData(dragged);
        if (identity) onDropped(identity);
      }}
    >
      {children}
    </section>
  );
}

function Add({ count }: { count: number }) {
  const { t } = useTranslation('call');
  const command = useCommand();
  const [many, setMany] = useState(count === 0 ? '2' : '1');
  const numbers = Array.from({ length: mostAtOnce }, (_, index) => String(index + 1));
  const add = () => {
    const names = Array.from({ length: Number(many) }, (_, index) =>
      t('breakout.room', { number: count + index + 1 }),
    );
    void command('POST', 'breakouts', { names }).then((done) => {
      if (done) setMany('1');
    });
  };
  return (
    <section className={styles.add}>
      <Select
        label={t('breakout.howMany')}
        value={many}
        options={numbers.map((value) => ({ value, label: value }))}
        onChange={setMany}
      />
      <Button icon={Plus} onClick={add}>
        {t('breakout.add')}
      </Button>
    </section>
  );
}

function Options({ all }: { all: BreakoutRooms }) {
  const { t } = useTranslation('call');
  const command = useCommand();
  const set = (change: object) => void command('PATCH', 'breakouts', change);
  return (
    <section className={styles.section}>
      <Switch
        label={t('breakout.choose')}
        checked={all.choose}
        onChange={(choose) => set({ choose })}
      />
      <Switch
        label={t('breakout.mayReturn')}
        checked={all.mayReturn}
        onChange={(mayReturn) => set({ mayReturn })}
      />
    </section>
  );
}
