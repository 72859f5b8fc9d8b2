import { Hourglass } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { JoinAnswer } from '../../api';
import type { LobbyAnswer } from '../../api/meeting';
import { waitInLobby } from '../../call/lobbyStream';
import { announce, Button, Spinner } from '../../ui';
import { MessagePage } from '../errors/EndPage';
import styles from './LobbyPage.module.css';

interface LobbyPageProps {
  place: LobbyAnswer;
  onAdmitted(answer: JoinAnswer): void;
  onDenied(): void;
  /** The waiting came to nothing; knocking again may help. */
  onLost(why: 'place' | 'network'): void;
  onLeave(): void;
}

/** Waiting to be let in, and what the hosts say meanwhile. */
export default function LobbyPage(props: LobbyPageProps) {
  const { place, onLeave } = props;
  const { t } = useTranslation('prejoin');
  const [messages, setMessages] = useState<{ text: string; from: string }[]>([]);
  const latest = useRef(props);
  latest.current = props;

  useEffect(
    () =>
      waitInLobby(place, {
        onMessage(text, from) {
          setMessages((before) => [...before.slice(-19), { text, from }]);
          announce(`${from}: ${text}`, 'assertive');
        },
        onAdmitted: (answer) => latest.current.onAdmitted(answer),
        onDenied: () => latest.current.onDenied(),
        onLost: (why) => latest.current.onLost(why),
      }),
    [place],
  );

  return (
    <MessagePage
      icon={Hourglass}
      title={t('lobby.title')}
      text={t('lobby.text', { room: place.room, name: place.displayName })}
    >
      <Spinner size={28} />
      <ul className={styles.messages}>
        {messages.map(({ text, from }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: messages are only ever added at the end.
          <li key={index} className={styles.message}>
            {from ? <strong>{from}</strong> : null}
            <span>{text}</span>
          </li>
        ))}
      </ul>
      <Button onClick={onLeave}>{t('lobby.leave')}</Button>
    </MessagePage>
  );
}
