import { Accessibility, Bell, ImageIcon, LayoutGrid, Mic, Palette } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import '../../i18n/englishLater';
import type { DeviceState } from '../../media';
import { Tabs } from '../../ui';
import { AppearanceSettings } from './AppearanceSettings';
import { BackgroundSettings } from './BackgroundSettings';
import { CallSettings } from './CallSettings';
import { DeviceSettings } from './DeviceSettings';
import { KeyboardSettings } from './KeyboardSettings';
import { SoundSettings } from './SoundSettings';

interface SettingsContentProps {
  /** The microphone as it stands, where there is one to be metered. */
  microphone?: DeviceState;
}

/**
 * All settings, without a frame: the pre-join screen puts it in a dialog, the call in its side panel.
 * They only write preferences; whoever holds the devices follows those.
 */
export function SettingsContent({ microphone }: SettingsContentProps) {
  const { t } = useTranslation('settings');
  return (
    <Tabs
      label={t('sections')}
      tabs={[
        {
          id: 'devices',
          label: t('devices.title'),
          icon: Mic,
          content: () => <DeviceSettings microphone={microphone} />,
        },
        {
          id: 'background',
          label: t('background.title'),
          icon: ImageIcon,
          content: () => <BackgroundSettings />,
        },
        {
          id: 'call',
          label: t('call.title'),
          icon: LayoutGrid,
          content: () => <CallSettings />,
        },
        {
          id: 'appearance',
          label: t('appearance.title'),
          icon: Palette,
          content: () => <AppearanceSettings />,
        },
        {
          id: 'sounds',
          label: t('sounds.title'),
          icon: Bell,
          content: () => <SoundSettings />,
        },
        {
          id: 'keyboard',
          label: t('keyboard.title'),
          icon: Accessibility,
          content: () => <KeyboardSettings />,
        },
      ]}
    />
  );
}
