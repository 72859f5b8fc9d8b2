import { useTranslation } from 'react-i18next';
import { type SoundChoices, usePreferences } from '../../media/preferences';
import { Switch } from '../../ui';

const happenings = [
  'joinLeave',
  'chat',
  'hand',
  'reactions',
] as const satisfies (keyof SoundChoices)[];

/** Which happenings make a sound. */
export function SoundSettings() {
  const { t } = useTranslation('settings');
  const sounds = usePreferences((state) => state.sounds);
  const set = usePreferences((state) => state.set);
  return (
    <div>
      {happenings.map((happening) => (
        <Switch
          key={happening}
          label={t(`sounds.${happening}`)}
          checked={sounds[happening]}
          onChange={(on) => set({ sounds: { ...sounds, [happening]: on } })}
        />
      ))}
    </div>
  );
}
