import { ArrowLeft, Trash2 } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiError } from '../../api';
import { accountApi, type OwnRoom } from '../../api/account';
import { Button, Dialog, Spinner, showToast, usePageMeta } from '../../ui';
import { EndPage } from '../errors/EndPage';
import { Page } from '../shell/Page';
import styles from './Account.module.css';
import { Failure } from './Failure';
import { failureOf } from './failure';
import { Invitations } from './Invitations';
import { RoomForm } from './RoomForm';
import { useAccount } from './useAccount';
import './words';

interface RoomPageProps {
  /** `null` for a new one. */
  room: string | null;
  navigate(path: string): void;
}

/** One own room: what its owner decides, and whom they invite. */
export function RoomPage({ room: name, navigate }: RoomPageProps) {
  const { t } = useTranslation('account');
  const account = useAccount(navigate);
  const [room, setRoom] = useState<OwnRoom | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [asking, setAsking] = useState(false);
  const title = name === null ? t('room.newTitle') : room?.title || name;
  usePageMeta({ title: t('pageTitle', { title }) });

  const id = account?.id;
  useEffect(() => {
    if (!id || name === null) return;
    accountApi.room(name).then(setRoom, (cause) => setError(failureOf(cause)));
  }, [id, name]);

  const remove = async () => {
    setAsking(false);
    try {
      await accountApi.removeRoom(name ?? '');
      showToast({ text: t('room.removed'), tone: 'success', key: 'room' });
      navigate('/my');
    } catch (cause) {
      setError(failureOf(cause));
    }
  };

  if (error?.code === 'not_found') return <EndPage kind="not_found" />;
  return (
    <Page>
      <div className={styles.wide}>
        <a className={styles.back} href="/my">
          <ArrowLeft size={18} aria-hidden="true" /> {t('rooms.title')}
        </a>
        <h1 className={styles.title}>{title}</h1>
        <Failure error={error} />
        {name !== null && !room && !error ? (
          <p className={styles.waiting} role="status">
            <Spinner size={20} /> {t('loading')}
          </p>
        ) : null}
        {account && (name === null || room) ? (
          <RoomForm
            key={room?.name ?? ''}
            room={room}
            onSaved={(saved) => {
              setRoom(saved);
              showToast({ text: t('room.saved'), tone: 'success', key: 'room' });
              if (name === null) navigate(`/my/rooms/${encodeURIComponent(saved.name)}`);
            }}
          />
        ) : null}
        {room ? (
          <>
            <Invitations room={room.name} />
            <section className={styles.card} aria-labelledby="give-up">
              <h2 id="give-up" className={styles.subtitle}>
                {t('room.removeTitle')}
              </h2>
              <p className={styles.hint}>{t('room.removeText')}</p>
              <div>
                <Button icon={Trash2} onClick={() => setAsking(true)}>
                  {t('room.remove')}
                </Button>
              </div>
            </section>
          </>
        ) : null}
      </div>
      {asking ? (
        <Dialog
          title={t('room.removeAsk', { name: title })}
          closeLabel={t('cancel', { ns: 'common' })}
          size="sm"
          onClose={() => setAsking(false)}
          footer={
            <>
              <Button onClick={() => setAsking(false)}>{t('cancel', { ns: 'common' })}</Button>
              <Button variant="danger" onClick={() => void remove()}>
                {t('room.remove')}
              </Button>
            </>
          }
        >
          <p>{t('room.removeText')}</p>
        </Dialog>
      ) : null}
    </Page>
  );
}
