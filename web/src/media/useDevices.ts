import { useEffect, useState } from 'react';
import {
  browserMediaDevices,
  type DeviceList,
  listDevices,
  noDevices,
  watchDevices,
} from './devices';

/** The machine's devices, kept up to date. Pass a value that changes with permission to have them read anew. */
export function useDevices(refresh?: unknown): DeviceList {
  const [devices, setDevices] = useState<DeviceList>(noDevices);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `refresh` is a reason to read again, not an input.
  useEffect(() => {
    const media = browserMediaDevices();
    if (!media) return;
    let current = true;
    // Without an answer the list stays as it was; pickers then offer the default alone.
    listDevices(media).then(
      (list) => current && setDevices(list),
      () => undefined,
    );
    const unwatch = watchDevices(media, setDevices);
    return () => {
      current = false;
      unwatch();
    };
  }, [refresh]);
  return devices;
}
