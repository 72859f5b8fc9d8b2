import { ChevronUp } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { type DeviceKind, useDevices } from '../../media';
import { usePreferences } from '../../media/preferences';
import { Menu, MenuCheck, MenuItem, MenuRadio, MenuSection } from '../../ui';
import { useCall, useCallState } from '../call/context';
import { ToolbarButton } from './ToolbarButton';

const titles = {
  audioInput: 'devices.mics',
  audioOutput: 'devices.speakers',
  videoInput: 'devices.cameras',
} as const;

/** The device choice that hangs off the microphone's or the camera's button. */
export function DeviceMenu({ of }: { of: 'audio' | 'video' }) {
  const { t } = useTranslation('call');
  const label = t(of === 'audio' ? 'devices.audio' : 'devices.video');
  return (
    <Menu
      label={label}
      placement="top"
      trigger={(props) => <ToolbarButton {...props} label={label} icon={ChevronUp} narrow />}
    >
      {of === 'audio' ? (
        <>
          <DeviceChoices kind="audioInput" />
          <DeviceChoices kind="audioOutput" />
          <ExtraChoices kind="audio" />
        </>
      ) : (
        <>
          <DeviceChoices kind="videoInput" />
          <ExtraChoices kind="camera" />
        </>
      )}
    </Menu>
  );
}

/** A second device of the kind, sent besides the first. */
function ExtraChoices({ kind }: { kind: 'camera' | 'audio' }) {
  const { t } = useTranslation('call');
  const { call } = useCall();
  const list = kind === 'camera' ? 'videoInput' : 'audioInput';
  const intent = useCallState((state) => state.intent);
  const active = useCallState((state) => state.extras[kind]);
  const first = usePreferences((state) => state[list]);
  const devices = useDevices(intent)[list].filter(
    ({ id, systemDefault }) => id !== '' && !systemDefault,
  );
  const others = devices.filter(({ id }, index) => (first ? id !== first : index > 0));
  if (others.length === 0 && !active) return null;
  return (
    <MenuSection title={t(`extra.${kind}`)}>
      {devices
        .filter(({ id }) => id === active || others.some((other) => other.id === id))
        .map((device) => (
          <MenuCheck
            key={device.id}
            checked={device.id === active}
            onSelect={() => void call.setExtra(kind, device.id === active ? null : device.id)}
          >
            {device.label || t('devices.unknown')}
          </MenuCheck>
        ))}
    </MenuSection>
  );
}

function DeviceChoices({ kind }: { kind: DeviceKind }) {
  const { t } = useTranslation('call');
  // Labels appear once the person has allowed a device, so look again when one is switched on.
  const intent = useCallState((state) => state.intent);
  const devices = useDevices(intent)[kind].filter(({ id }) => id !== '');
  const chosen = usePreferences((state) => state[kind]);
  const set = usePreferences((state) => state.set);
  const active = devices.some(({ id }) => id === chosen) ? chosen : devices[0]?.id;
  // Browsers that cannot choose a speaker list none; the system's choice is then the only one.
  return (
    <MenuSection title={t(titles[kind])}>
      {devices.map((device) => (
        <MenuRadio
          key={device.id}
          checked={device.id === active}
          onSelect={() => set({ [kind]: device.id })}
        >
          {device.systemDefault ? t('devices.default') : device.label || t('devices.unknown')}
        </MenuRadio>
      ))}
      {devices.length === 0 ? (
        <MenuItem disabled onSelect={() => undefined}>
          {t(kind === 'audioOutput' ? 'devices.default' : 'devices.none')}
        </MenuItem>
      ) : null}
    </MenuSection>
  );
}
