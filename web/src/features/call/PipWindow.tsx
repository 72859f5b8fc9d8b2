import { Mic, MicOff } from 'lucide-react';
import { createPortal } from 'react-dom';
import { useTranslation } from 'react-i18next';
import { Icon } from '../../ui';
import { useSpeaker } from '../stage/useSpeaker';
import { Avatar, Picture } from '../tiles';
import { useCall, useCallState, useUi } from './context';
import styles from './PipWindow.module.css';

/** The active speaker, or what they share, in a small window above all others, with the microphone at hand. */
export function PipWindow() {
  const pip = useUi((state) => state.pip);
  if (!pip) return null;
  return createPortal(<PipContent />, pip.document.body);
}

function PipContent() {
  const { t } = useTranslation('call');
  const { call } = useCall();
  const { dominant } = useSpeaker();
  const participants = useCallState((state) => state.snapshot.participants);
  const mic = useCallState((state) => state.intent.mic);
  const others = participants.filter(({ isLocal }) => !isLocal);
  const presenter = others.find(({ screen }) => screen?.handle);
  const person =
    presenter ??
    others.find(({ identity }) => identity === dominant) ??
    others[0] ??
    participants[0];
  if (!person) return null;
  const handle = presenter?.screen?.handle ?? person.camera?.handle;
  return (
    <div className={styles.pip}>
      <div className={styles.picture}>
        {handle ? (
          <Picture handle={handle} contain={presenter !== undefined} />
        ) : (
          <Avatar identity={person.identity} name={person.name} />
        )}
      </div>
      <span className={styles.name}>{person.name}</span>
      <button
        type="button"
        className={styles.mic}
        aria-label={t('action.mic')}
        aria-pressed={mic}
        onClick={() => call.setMic(!mic)}
      >
        <Icon icon={mic ? Mic : MicOff} />
      </button>
    </div>
  );
}
