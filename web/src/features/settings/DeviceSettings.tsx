import { useTranslation } from 'react-i18next';
import { canChooseSpeaker, type Device, type DeviceState, isSecure, useDevices } from '../../media';
import { type CameraLines, cameraLines, usePreferences } from '../../media/preferences';
import { type MusicRate, musicRates, soundModes } from '../../media/sound';
import { Select, type SelectOption } from '../../ui';
import { InsecureNotice } from '../prejoin/DeviceProblems';
import { MicMeter, SpeakerTest } from '../prejoin/SoundCheck';

interface DeviceSettingsProps {
  microphone?: DeviceState;
}

/** Microphone, camera and speaker. */
export function DeviceSettings({ microphone }: DeviceSettingsProps) {
  const { t } = useTranslation('settings');
  const devices = useDevices(microphone?.track);
  const { audioInput, videoInput, audioOutput, sound, musicRate, lines, set } = usePreferences();

  if (!isSecure()) return <InsecureNotice />;

  const options = (list: readonly Device[]): SelectOption<string>[] => [
    ...(list.some(({ systemDefault }) => systemDefault)
      ? []
      : [{ value: '', label: t('devices.default') }]),
    ...list
      .filter(({ id }) => id !== '')
      .map(({ id, label, systemDefault }, index) => {
        const name = label || t('devices.unnamed', { number: index + 1 });
        return {
          value: id,
          label: systemDefault ? t('devices.systemDefault', { device: name }) : name,
        };
      }),
  ];
  // A remembered device that is not plugged in shows as the default, which is what would be used.
  const valueIn = (list: readonly Device[], id: string | undefined) =>
    list.find((device) => device.id !== '' && device.id === id)?.id ??
    list.find(({ systemDefault }) => systemDefault)?.id ??
    '';

  return (
    <>
      <Select
        label={t('devices.microphone')}
        value={valueIn(devices.audioInput, audioInput)}
        options={options(devices.audioInput)}
        onChange={(id) => set({ audioInput: id || undefined })}
      />
      {microphone ? <MicMeter track={microphone.track} phase={microphone.phase} /> : null}
      <Select
        label={t('devices.camera')}
        value={valueIn(devices.videoInput, videoInput)}
        options={options(devices.videoInput)}
        onChange={(id) => set({ videoInput: id || undefined })}
      />
      <Select
        label={t('picture.title')}
        hint={t('picture.hint')}
        value={String(lines)}
        options={cameraLines.map((count) => ({
          value: String(count),
          label: t(`picture.lines.${count}`),
        }))}
        onChange={(count) => set({ lines: Number(count) as CameraLines })}
      />
      {canChooseSpeaker() ? (
        <Select
          label={t('devices.speaker')}
          value={valueIn(devices.audioOutput, audioOutput)}
          options={options(devices.audioOutput)}
          onChange={(id) => set({ audioOutput: id || undefined })}
        />
      ) : null}
      <SpeakerTest />
      <Select
        label={t('sound.title')}
        hint={t(`sound.hint.${sound}`)}
        value={sound}
        options={soundModes.map((value) => ({ value, label: t(`sound.mode.${value}`) }))}
        onChange={(mode) => set({ sound: mode })}
      />
      {sound === 'music' ? (
        <Select
          label={t('sound.rate')}
          value={String(musicRate)}
          options={musicRates.map((rate) => ({
            value: String(rate),
            label: t('sound.kbps', { rate }),
          }))}
          onChange={(rate) => set({ musicRate: Number(rate) as MusicRate })}
        />
      ) : null}
    </>
  );
}
