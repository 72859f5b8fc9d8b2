import { ChevronUp } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { browserFamily } from '../../media';
import { usePreferences } from '../../media/preferences';
import { Menu, MenuCheck, MenuSection } from '../../ui';
import styles from './ShareMenu.module.css';
import { ToolbarButton } from './ToolbarButton';

/** Whether the shared picture brings its sound along, and what to expect of that here. */
export function ShareMenu() {
  const { t } = useTranslation('call');
  const shareAudio = usePreferences((state) => state.shareAudio);
  const set = usePreferences((state) => state.set);
  const possible = canShareSound();
  return (
    <Menu
      label={t('share.options')}
      placement="top"
      trigger={(props) => (
        <ToolbarButton {...props} label={t('share.options')} icon={ChevronUp} narrow />
      )}
    >
      <MenuSection title={t('share.options')}>
        <MenuCheck
          checked={shareAudio && possible}
          disabled={!possible}
          keepOpen
          onSelect={() => set({ shareAudio: !shareAudio })}
        >
          {t('share.sound')}
        </MenuCheck>
        <p className={styles.hint} role="presentation">
          {t(possible ? 'share.soundHint' : 'share.soundImpossible')}
        </p>
      </MenuSection>
    </Menu>
  );
}

/** Only Chromium captures sound with a screen so far. */
export function canShareSound(): boolean {
  return !['firefox', 'safari', 'ios'].includes(browserFamily(navigator.userAgent));
}

/** Phones cannot share their screen from a browser. */
export function canShareScreen(): boolean {
  return typeof navigator.mediaDevices?.getDisplayMedia === 'function';
}
