import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, TextField } from '../../ui';

interface HomeProps {
  onOpenRoom(room: string): void;
}

export function Home({ onOpenRoom }: HomeProps) {
  const { t } = useTranslation('home');
  const [room, setRoom] = useState('');
  const open = (event: FormEvent) => {
    event.preventDefault();
    if (room.trim()) onOpenRoom(room.trim());
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
