import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import {
  browserMediaDevices,
  type Device,
  type DeviceKind,
  type DeviceList,
  listDevices,
  newDevices,
  noDevices,
  watchDevices,
} from '../../media';
import { usePreferences } from '../../media/preferences';
import { announce, showToast } from '../../ui';

const kinds: readonly DeviceKind[] = ['audioInput', 'audioOutput', 'videoInput'];

/** Offers devices that are plugged in during the call, without seizing them, and tells of those pulled out. */
export function useDeviceWatch(): void {
  const { t } = useTranslation('call');

  useEffect(() => {
    const media = browserMediaDevices();
    if (!media) return;
    let before: DeviceList = noDevices;
    let stopped = false;
    listDevices(media).then(
      (list) => {
        before = list;
      },
      () => undefined,
    );

    const offer = (device: Device, list: DeviceList) => {
      const { set } = usePreferences.getState();
      const use = () => {
        for (const kind of kinds) {
          const part = list[kind].find(
            (one) => one.id === device.id || (device.groupId && one.groupId === device.groupId),
          );
          if (part) set({ [kind]: part.id });
        }
      };
      const text = t('devices.added', { name: device.label });
      announce(text);
      showToast({ text, key: 'device', action: { label: t('devices.use'), run: use } });
    };

    const unwatch = watchDevices(media, (list) => {
      if (stopped) return;
      const added = kinds.flatMap((kind) => newDevices(before[kind], list[kind]))[0];
      if (added) offer(added, list);
      const preferences = usePreferences.getState();
      for (const kind of kinds) {
        const chosen = before[kind].find(({ id }) => id === preferences[kind]);
        if (!chosen?.label || list[kind].some(({ id }) => id === chosen.id)) continue;
        const text = t('devices.removed', { name: chosen.label });
        announce(text);
        showToast({ text, tone: 'warning', key: `gone-${kind}` });
      }
      before = list;
    });
    return () => {
      stopped = true;
      unwatch();
    };
  }, [t]);
}
