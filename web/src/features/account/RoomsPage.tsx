import { CalendarPlus, DoorOpen, LogOut, Pencil, Plus, UserRound, Users } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiError } from '../../api';
import { accountApi, calendarOf, type OwnRoom, useSession } from '../../api/account';
import { Badge, Button, Icon, Spinner, showToast, usePageMeta } from '../../ui';
import { Page } from '../shell/Page';
import styles from './Account.module.css';
import { Failure } from './Failure';
import { failureOf } from './failure';
import { useAccount } from './useAccount';
import { whenOf } from './when';
import './words';

interface RoomsPageProps {
  navigate(path: string): void;
}

/** The rooms of whoever is signed in. */
export function RoomsPage({ navigate }: RoomsPageProps) {
  const { t } = useTranslation('account');
  const account = useAccount(navigate);
  const [rooms, setRooms] = useState<OwnRoom[] | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  usePageMeta({ title: t('pageTitle', { title: t('rooms.title') }) });

  const id = account?.id;
  useEffect(() => {
    if (!id) return;
    accountApi.rooms().then(setRooms, (cause) => setError(failureOf(cause)));
  }, [id]);

  const signOut = async () => {
    try {
      const { continueAt } = await accountApi.signOut();
      if (continueAt) {
        window.location.assign(continueAt);
        return;
      }
      // First away from here, where whoever is not signed in is led to the sign-in.
      navigate('/');
      useSession.getState().set(null);
    } catch (cause) {
      showToast({ text: t('signOutFailed'), tone: 'danger', key: 'sign-out' });
      setError(failureOf(cause));
    }
  };

  return (
    <Page
      actions={
        <div className={styles.ways}>
          <Button variant="ghost" icon={UserRound} onClick={() => navigate('/my/account')}>
            {t('own.title')}
          </Button>
          <Button variant="ghost" icon={LogOut} onClick={() => void signOut()}>
            {t('signOut')}
          </Button>
        </div>
      }
    >
      <div className={styles.wide}>
        <div className={styles.head}>
          <div>
            <h1 className={styles.title}>{t('rooms.title')}</h1>
            {account ? (
              <p className={styles.hint}>{t('rooms.of', { name: account.displayName })}</p>
            ) : null}
          </div>
          <Button variant="primary" icon={Plus} onClick={() => navigate('/my/new')}>
            {t('rooms.new')}
          </Button>
        </div>
        <Failure error={error} />
        {rooms === null && !error ? (
          <p className={styles.waiting} role="status">
            <Spinner size={20} /> {t('loading')}
          </p>
        ) : null}
        {rooms?.length === 0 ? <p className={styles.empty}>{t('rooms.none')}</p> : null}
        <ul className={styles.list}>
          {rooms?.map((room) => (
            <RoomCard key={room.name} room={room} navigate={navigate} />
          ))}
        </ul>
      </div>
    </Page>
  );
}

function RoomCard({ room, navigate }: { room: OwnRoom; navigate(path: string): void }) {
  const { t, i18n } = useTranslation('account');
  const title = room.title || room.name;
  return (
    <li className={styles.room}>
      <div className={styles.roomText}>
        <h2 className={styles.roomTitle}>{title}</h2>
        <p className={styles.hint}>
          {room.title ? `${room.name} · ` : ''}
          {t(`access.${room.access}`)}
        </p>
        {room.schedule ? (
          <p className={styles.hint}>
            {whenOf(room.schedule, i18n.language)}
            {room.schedule.repeat ? `, ${t(`repeat.${room.schedule.repeat.every}`)}` : ''}
          </p>
        ) : null}
        {room.participants === null ? null : (
          <Badge>
            <Icon icon={Users} size={16} /> {t('rooms.people', { count: room.participants })}
          </Badge>
        )}
      </div>
      <div className={styles.roomActions}>
        <Button
          variant="primary"
          size="sm"
          icon={DoorOpen}
          aria-label={t('rooms.openNamed', { name: title })}
          onClick={() => navigate(`/${encodeURIComponent(room.name)}`)}
        >
          {t('rooms.open')}
        </Button>
        <Button
          size="sm"
          icon={Pencil}
          aria-label={t('rooms.editNamed', { name: title })}
          onClick={() => navigate(`/my/rooms/${encodeURIComponent(room.name)}`)}
        >
          {t('rooms.edit')}
        </Button>
        {room.schedule ? (
          <a
            className={styles.download}
            href={calendarOf(room.name)}
            download
            aria-label={t('rooms.calendarNamed', { name: title })}
          >
            <Icon icon={CalendarPlus} size={18} /> {t('rooms.calendar')}
          </a>
        ) : null}
      </div>
    </li>
  );
}
