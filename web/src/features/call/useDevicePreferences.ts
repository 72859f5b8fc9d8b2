import { useEffect } from 'react';
import type { RoomController } from '../../call/RoomController';
import { usePreferences } from '../../media/preferences';

const kinds = {
  audioInput: 'audioinput',
  videoInput: 'videoinput',
  audioOutput: 'audiooutput',
} as const;

/** Has the call use whatever devices the preferences name, from wherever they are changed. */
export function useDevicePreferences(controller: RoomController | null): void {
  useEffect(() => {
    if (!controller) return;
    return usePreferences.subscribe((after, before) => {
      for (const key of ['audioInput', 'videoInput', 'audioOutput'] as const) {
        if (after[key] !== before[key]) void controller.switchDevice(kinds[key], after[key] ?? '');
      }
    });
  }, [controller]);
}
