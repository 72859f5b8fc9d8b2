import { useTranslation } from 'react-i18next';
import { usePreferences } from '../../media/preferences';
import { Switch } from '../../ui';

/** Shortcuts, and what screen readers say. */
export function KeyboardSettings() {
  const { t } = useTranslation('settings');
  const { letterShortcuts, announceChat, set } = usePreferences();
  return (
    <div>
      <Switch
        label={t('keyboard.letters')}
        description={t('keyboard.lettersText')}
        checked={letterShortcuts}
        onChange={(on) => set({ letterShortcuts: on })}
      />
      <Switch
        label={t('keyboard.announceChat')}
        description={t('keyboard.announceChatText')}
        checked={announceChat}
        onChange={(on) => set({ announceChat: on })}
      />
    </div>
  );
}
