import {
  Ban,
  CircleSlash,
  Copy,
  DoorClosed,
  DoorOpen,
  Lock,
  LockOpen,
  LogOut,
  MonitorX,
  PartyPopper,
  RotateCw,
  SearchX,
  ServerOff,
  Users,
  UserX,
  WifiOff,
} from 'lucide-react';
import { type ReactNode, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, Icon, type IconType, usePageMeta } from '../../ui';
import { Page } from '../shell/Page';
import styles from './EndPage.module.css';

/** Every way in which a visit can be over, or not begin. */
export type EndKind =
  | 'left'
  | 'removed'
  | 'ended'
  | 'duplicate'
  | 'full'
  | 'shutdown'
  | 'connection_lost'
  | 'unsupported'
  | 'cannot_encrypt'
  | 'broken_key'
  | 'banned'
  | 'locked'
  | 'denied'
  | 'forbidden'
  | 'invalid_room_name'
  | 'reserved_room_name'
  | 'not_found';

/** What a page offers first. `again` enters the room at once, `prepare` goes back to pre-join. */
type Offer = 'again' | 'prepare' | 'none';

const pages: Record<EndKind, { icon: IconType; offer: Offer }> = {
  left: { icon: LogOut, offer: 'again' },
  removed: { icon: UserX, offer: 'none' },
  ended: { icon: PartyPopper, offer: 'prepare' },
  duplicate: { icon: Copy, offer: 'again' },
  full: { icon: Users, offer: 'prepare' },
  shutdown: { icon: ServerOff, offer: 'again' },
  connection_lost: { icon: WifiOff, offer: 'again' },
  unsupported: { icon: MonitorX, offer: 'none' },
  cannot_encrypt: { icon: LockOpen, offer: 'none' },
  broken_key: { icon: LockOpen, offer: 'none' },
  banned: { icon: Ban, offer: 'none' },
  forbidden: { icon: Ban, offer: 'none' },
  locked: { icon: Lock, offer: 'prepare' },
  denied: { icon: DoorClosed, offer: 'prepare' },
  invalid_room_name: { icon: CircleSlash, offer: 'none' },
  reserved_room_name: { icon: CircleSlash, offer: 'none' },
  not_found: { icon: SearchX, offer: 'none' },
};

interface EndPageProps {
  kind: EndKind;
  room?: string;
  /** The server's reference of a refusal, for whoever helps. */
  reference?: string;
  /** Entering again is under way. */
  busy?: boolean;
  onAgain?(): void;
  onPrepare?(): void;
}

/** The page after a call, or instead of one. */
export function EndPage({ kind, room, reference, busy = false, onAgain, onPrepare }: EndPageProps) {
  const { t } = useTranslation('errors');
  const { icon, offer } = pages[kind];
  return (
    <MessagePage
      icon={icon}
      title={t(`end.${kind}.title`)}
      text={t(`end.${kind}.text`, { room: room ?? '' })}
      reference={reference}
    >
      {offer === 'again' && onAgain ? (
        <Button variant="primary" size="lg" icon={RotateCw} busy={busy} onClick={onAgain}>
          {kind === 'duplicate' ? t('end.duplicate.action') : t('end.rejoin')}
        </Button>
      ) : null}
      {offer === 'prepare' && onPrepare ? (
        <Button variant="primary" size="lg" icon={DoorOpen} onClick={onPrepare}>
          {t('end.tryAgain')}
        </Button>
      ) : null}
      <HomeLink prominent={offer === 'none'} />
    </MessagePage>
  );
}

interface MessagePageProps {
  icon: IconType;
  title: string;
  text: string;
  reference?: string;
  /** What can be done now. */
  children: ReactNode;
}

/** One message, plainly, with what can be done about it. */
export function MessagePage({ icon, title, text, reference, children }: MessagePageProps) {
  const { t } = useTranslation('errors');
  const heading = useRef<HTMLHeadingElement>(null);
  usePageMeta({ title: t('title', { title }) });

  useEffect(() => heading.current?.focus(), []);

  return (
    <Page>
      <div className={styles.message}>
        <span className={styles.icon}>
          <Icon icon={icon} size={34} />
        </span>
        <h1 ref={heading} tabIndex={-1} className={styles.title}>
          {title}
        </h1>
        <p className={styles.text}>{text}</p>
        <div className={styles.actions}>{children}</div>
        {reference ? <p className={styles.reference}>{t('reference', { reference })}</p> : null}
      </div>
    </Page>
  );
}

/** The way back to the front page. */
export function HomeLink({ prominent = false }: { prominent?: boolean }) {
  const { t } = useTranslation('errors');
  return (
    <a href="/" className={prominent ? styles.homeProminent : styles.home}>
      {t('end.home')}
    </a>
  );
}
