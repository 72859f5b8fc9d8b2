import { Accessibility, Bell, LayoutGrid, Mic, Palette } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import '../../i18n/englishLater';
import { Tabs } from '../../ui';
import { AppearanceSettings } from './AppearanceSettings';
import { CallSettings } from './CallSettings';
import { DeviceSettings, type DeviceSwitch } from './DeviceSettings';
import { KeyboardSettings } from './KeyboardSettings';
import { SoundSettings } from './SoundSettings';

interface SettingsContentProps {
  /** Within a call, how to change a device there and then. */
  inCall?: DeviceSwitch;
  /** The open microphone, for its meter. */
  microphone?: MediaStreamTrack;
}

/** All settings, without a frame: the pre-join screen puts it in a dialog, the call in its side panel. */
export function SettingsContent({ inCall, microphone }: SettingsContentProps) {
  const { t } = useTranslation('settings');
  return (
    <Tabs
      label={t('sections')}
      tabs={[
        {
          id: 'devices',
          label: t('devices.title'),
          icon: Mic,
          content: () => <DeviceSettings inCall={inCall} microphone={microphone} />,
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
