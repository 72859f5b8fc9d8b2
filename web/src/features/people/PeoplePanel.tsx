import {
  Hand,
  Link,
  Mic,
  MicOff,
  MonitorUp,
  Pin,
  TriangleAlert,
  Video,
  VideoOff,
  X,
} from 'lucide-react';
import { type FormEvent, memo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ParticipantView } from '../../call/model';
import { cameraTileId } from '../../layout';
import { Button, Icon, IconButton, Sheet, TextField } from '../../ui';
import { useCall, useCallState, useRoomState, useUi } from '../call/context';
import { showPanel, togglePin } from '../call/uiStore';
import { PersonMenu } from '../meeting/PersonMenu';
import { useCommand } from '../meeting/useCommand';
import { useMay } from '../meeting/useMay';
import { useCopyLink } from '../stage/InviteCard';
import { Avatar } from '../tiles';
import { findPeople } from './findPeople';
import styles from './PeoplePanel.module.css';
import { Viewers } from './Viewers';

/** With fewer people than this nobody needs a search. */
const searchFrom = 8;

/** Who is here, and who wants to speak, in order. */
export default function PeoplePanel() {
  const { t } = useTranslation('call');
  const { ui } = useCall();
  const participants = useCallState((state) => state.snapshot.participants);
  const hands = useRoomState((state) => state.hands);
  const viewers = useRoomState((state) => state.meeting.viewers);
  const [wanted, setWanted] = useState('');
  const copy = useCopyLink();
  const found = findPeople(participants, wanted);
  const raised = hands.flatMap(({ identity }, index) => {
    const person = found.find((one) => one.identity === identity);
    return person ? [{ person, position: index + 1 }] : [];
  });

  return (
    <Sheet
      title={t('action.people')}
      closeLabel={t('closePanel')}
      onClose={() => showPanel(ui, null)}
      footer={
        <Button block icon={Link} onClick={() => void copy()}>
          {t('people.invite')}
        </Button>
      }
    >
      {participants.length >= searchFrom ? (
        <TextField
          type="search"
          label={t('people.search')}
          hideLabel
          placeholder={t('people.search')}
          value={wanted}
          onChange={(event) => setWanted(event.target.value)}
        />
      ) : null}
      <Waiting />
      {raised.length > 0 ? (
        <section className={styles.section}>
          <h3 className={styles.title}>{t('people.hands')}</h3>
          <NextSpeaker />
          <ol>
            {raised.map(({ person, position }) => (
              <Person key={person.identity} person={person} position={position} />
            ))}
          </ol>
        </section>
      ) : null}
      <section className={styles.section}>
        <h3 className={styles.title}>
          {t('people.count', { count: participants.length })}
          {viewers > 0 ? ` · ${t('people.viewers', { count: viewers })}` : null}
        </h3>
        {found.length === 0 ? <p className={styles.none}>{t('people.nobody')}</p> : null}
        <ul>
          {found.map((person) => (
            <Person key={person.identity} person={person} />
          ))}
        </ul>
      </section>
      <Viewers />
    </Sheet>
  );
}

/** Those in the lobby, for whoever may let them in. */
function Waiting() {
  const { t } = useTranslation('call');
  const lobby = useRoomState((state) => state.meeting.lobby);
  const command = useCommand();
  const message = useRef<HTMLInputElement>(null);
  if (lobby.length === 0) return null;
  const decide = (what: 'admit' | 'deny', identities?: string[]) =>
    void command('POST', `lobby/${what}`, { identities });
  const say = async (event: FormEvent) => {
    event.preventDefault();
    const field = message.current;
    const text = field?.value.trim();
    if (field && text && (await command('POST', 'lobby/message', { text }))) field.value = '';
  };
  return (
    <section className={styles.section}>
      <h3 className={styles.title}>{t('lobby.waiting', { count: lobby.length })}</h3>
      <ul>
        {lobby.map(({ identity, name, suspect }) => (
          <li key={identity} className={styles.person}>
            <span className={styles.name}>
              {name}
              {suspect ? <span className={styles.note}>{t('lobby.suspect')}</span> : null}
            </span>
            <IconButton
              size="sm"
              icon={X}
              label={`${t('lobby.deny')}: ${name}`}
              onClick={() => decide('deny', [identity])}
            />
            <Button
              size="sm"
              variant="primary"
              aria-label={`${t('lobby.admit')}: ${name}`}
              onClick={() => decide('admit', [identity])}
            >
              {t('lobby.admit')}
            </Button>
          </li>
        ))}
      </ul>
      <form className={styles.say} onSubmit={(event) => void say(event)}>
        <TextField ref={message} hideLabel label={t('lobby.say')} placeholder={t('lobby.say')} />
        <Button type="submit" size="sm">
          {t('chat.send')}
        </Button>
      </form>
      {lobby.length > 1 ? (
        <Button size="sm" block onClick={() => decide('admit')}>
          {t('lobby.admitAll')}
        </Button>
      ) : null}
    </section>
  );
}

/** Gives the floor to whoever raised a hand first. */
function NextSpeaker() {
  const { t } = useTranslation('call');
  const command = useCommand();
  const floor = useMay('manage_floor');
  if (!floor) return null;
  return (
    <div className={styles.pair}>
      <Button size="sm" icon={Mic} onClick={() => void command('POST', 'floor', {})}>
        {t('people.next')}
      </Button>
      <Button size="sm" variant="ghost" onClick={() => void command('POST', 'hands/lower', {})}>
        {t('people.lowerAll')}
      </Button>
    </div>
  );
}

interface PersonProps {
  person: ParticipantView;
  position?: number;
}

const Person = memo(function Person({ person, position }: PersonProps) {
  const { t } = useTranslation('call');
  const { ui } = useCall();
  const tile = cameraTileId(person.identity);
  const pinned = useUi((state) => state.pinned === tile);
  const cameraOn = person.camera !== null && !person.camera.muted;
  const weak = person.quality === 'poor' || person.quality === 'lost';
  return (
    <li className={styles.person}>
      <span className={styles.avatar}>
        <Avatar identity={person.identity} name={person.name} />
      </span>
      <span className={styles.name}>
        {person.isLocal ? t('youSuffix', { name: person.name }) : person.name}
        {person.role === 'participant' ? null : (
          <span className={styles.role}>{t(`role.${person.role}`)}</span>
        )}
        {position === undefined ? null : (
          <span className={styles.note}>
            <Icon icon={Hand} size={14} /> {t('people.position', { position })}
          </span>
        )}
      </span>
      <span className={styles.states}>
        {weak ? <State icon={TriangleAlert} text={t('tile.weak')} tone="warning" /> : null}
        {person.screen ? (
          <State icon={MonitorUp} text={t('share.of', { name: person.name })} />
        ) : null}
        <State
          icon={cameraOn ? Video : VideoOff}
          text={t(cameraOn ? 'state.cameraOn' : 'state.cameraOff')}
          tone={cameraOn ? undefined : 'off'}
        />
        <State
          icon={person.micOn ? Mic : MicOff}
          text={t(
            person.speaking ? 'tile.speaking' : person.micOn ? 'state.micOn' : 'state.micOff',
          )}
          tone={person.speaking ? 'speaking' : person.micOn ? undefined : 'off'}
        />
      </span>
      {person.isLocal ? null : (
        <IconButton
          size="sm"
          label={`${t(pinned ? 'tile.unpin' : 'tile.pin')}: ${person.name}`}
          icon={Pin}
          aria-pressed={pinned}
          onClick={() => togglePin(ui, tile)}
        />
      )}
      <PersonMenu person={person} />
    </li>
  );
});

interface StateProps {
  icon: typeof Mic;
  text: string;
  tone?: 'off' | 'warning' | 'speaking';
}

function State({ icon, text, tone }: StateProps) {
  return (
    <span className={styles.state} data-tone={tone} title={text}>
      <Icon icon={icon} size={18} />
      <span className="visually-hidden">{text}</span>
    </span>
  );
}
