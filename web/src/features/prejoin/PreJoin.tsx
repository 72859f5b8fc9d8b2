import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../../api';
import type { JoinIntent } from '../../call/joinIntent';
import { usePreferences } from '../../media/preferences';
import { Button, TextField } from '../../ui';

interface PreJoinProps {
  room: string;
  prefetchCall(): void;
  onJoin(intent: JoinIntent): void;
}

export function PreJoin({ room, prefetchCall, onJoin }: PreJoinProps) {
  const { t } = useTranslation('prejoin');
  const preferences = usePreferences();
  const [name, setName] = useState(preferences.displayName);
  useEffect(prefetchCall, [prefetchCall]);
  const join = async (event: FormEvent) => {
    event.preventDefault();
    preferences.set({ displayName: name });
    const answer = await api.join(room, { displayName: name, previousToken: null });
    onJoin({
      room: answer.room,
      displayName: answer.displayName,
      identity: answer.identity,
      token: answer.token,
      micOn: preferences.micWanted,
      cameraOn: preferences.cameraWanted,
      devices: {},
    });
  };
  return (
    <main>
      <h1>{room}</h1>
      <form onSubmit={join}>
        <TextField label={t('name')} value={name} onChange={(e) => setName(e.target.value)} />
        <Button type="submit" variant="primary">
          {t('join')}
        </Button>
      </form>
    </main>
  );
}
