import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { navigate, pathOfRoom } from '../../app/router';
import { Button, TextField } from '../../ui';

export function Home() {
  const { t } = useTranslation('home');
  const [room, setRoom] = useState('');
  const open = (event: FormEvent) => {
    event.preventDefault();
    if (room.trim()) navigate(pathOfRoom(room.trim()));
  };
  return (
    <main>
      <form onSubmit={open}>
        <TextField label={t('roomName')} value={room} onChange={(e) => setRoom(e.target.value)} />
        <Button type="submit" variant="primary">
          {t('start')}
        </Button>
      </form>
    </main>
  );
}
