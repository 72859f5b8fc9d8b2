import { ChevronUp, Mic, MicOff, TriangleAlert, Video, VideoOff } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { type CaptureKind, canChooseSpeaker, type Device } from '../../media';
import { usePreferences } from '../../media/preferences';
import { cx, Icon, Menu, MenuItem, MenuRadio, MenuSection, Tooltip } from '../../ui';
import styles from './DeviceControls.module.css';
import type { PreviewControls } from './usePreview';

interface DeviceControlsProps {
  preview: PreviewControls;
}

/** Microphone and camera: on or off, and the menu of devices that hangs off each. */
export function DeviceControls({ preview }: DeviceControlsProps) {
  return (
    <>
      <DeviceControl kind="audio" preview={preview} />
      <DeviceControl kind="video" preview={preview} />
    </>
  );
}

const icons = { audio: { on: Mic, off: MicOff }, video: { on: Video, off: VideoOff } };
const lists = { audio: 'audioInput', video: 'videoInput' } as const;

function DeviceControl({ kind, preview }: DeviceControlsProps & { kind: CaptureKind }) {
  const { t } = useTranslation('prejoin');
  const wanted = usePreferences(({ micWanted, cameraWanted }) =>
    kind === 'audio' ? micWanted : cameraWanted,
  );
  const { phase, track } = preview.state[kind];
  const problem = phase === 'problem' && wanted;
  const on = wanted && !problem;
  const name = t(`toggle.${kind}`);
  return (
    <div className={cx(styles.control, !on && styles.off)}>
      <Tooltip text={t(`tip.${kind}.${problem ? 'problem' : on ? 'on' : 'off'}`)}>
        <button
          type="button"
          className={styles.toggle}
          aria-label={name}
          aria-pressed={on}
          onClick={() => (problem ? preview.retry() : preview.toggle(kind))}
        >
          <Icon icon={on ? icons[kind].on : icons[kind].off} size={22} />
          {problem ? (
            <span className={styles.warning}>
              <Icon icon={TriangleAlert} size={12} />
            </span>
          ) : null}
        </button>
      </Tooltip>
      <Menu
        label={t(`menu.${kind}`)}
        placement="top"
        align="center"
        trigger={(props) => (
          <Tooltip text={t(`menu.${kind}`)}>
            <button
              type="button"
              className={styles.caret}
              aria-label={t(`menu.${kind}`)}
              {...props}
            >
              <Icon icon={ChevronUp} size={18} />
            </button>
          </Tooltip>
        )}
      >
        <MenuSection title={t(`menuTitle.${kind}`)}>
          <DeviceItems
            devices={preview.state.devices[lists[kind]]}
            currentId={track?.getSettings().deviceId}
            none={t(`none.${kind}`)}
            onChoose={(id) => preview.choose(kind, id)}
          />
        </MenuSection>
        {kind === 'audio' && canChooseSpeaker() ? (
          <SpeakerItems devices={preview.state.devices.audioOutput} />
        ) : null}
      </Menu>
    </div>
  );
}

interface DeviceItemsProps {
  devices: readonly Device[];
  currentId: string | undefined;
  none: string;
  onChoose(id: string): void;
}

function DeviceItems({ devices, currentId, none, onChoose }: DeviceItemsProps) {
  const { t } = useTranslation('prejoin');
  const named = devices.filter(({ id }) => id !== '');
  if (named.length === 0) {
    return (
      <MenuItem disabled onSelect={() => undefined}>
        {devices.length > 0 ? t('namesWithheld') : none}
      </MenuItem>
    );
  }
  return named.map((device, index) => (
    <MenuRadio
      key={device.id}
      checked={device.id === currentId}
      onSelect={() => onChoose(device.id)}
    >
      {deviceName(t, device, index)}
    </MenuRadio>
  ));
}

function SpeakerItems({ devices }: { devices: readonly Device[] }) {
  const { t } = useTranslation('prejoin');
  const audioOutput = usePreferences((state) => state.audioOutput);
  const set = usePreferences((state) => state.set);
  const named = devices.filter(({ id }) => id !== '');
  if (named.length === 0) return null;
  const current = named.find(({ id }) => id === audioOutput) ?? named[0];
  return (
    <MenuSection title={t('menuTitle.output')}>
      {named.map((device, index) => (
        <MenuRadio
          key={device.id}
          checked={device === current}
          onSelect={() => set({ audioOutput: device.id })}
        >
          {deviceName(t, device, index)}
        </MenuRadio>
      ))}
    </MenuSection>
  );
}

type Translate = ReturnType<typeof useTranslation<'prejoin'>>['t'];

function deviceName(t: Translate, { label, systemDefault }: Device, index: number): string {
  const name = label || t('unnamed', { number: index + 1 });
  return systemDefault ? t('systemDefault', { device: name }) : name;
}
