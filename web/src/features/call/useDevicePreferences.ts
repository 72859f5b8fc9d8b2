import { useEffect } from 'react';
import type { RoomController } from '../../call/RoomController';
import { usePreferences } from '../../media/preferences';

const kinds = {
  audioInput: 'audioinput',
  videoInput: 'videoinput',
  audioOutput: 'audiooutput',
} as const;

/** Has the call do what the preferences say of devices, sound, background and data, from wherever they are changed. */
export function useDevicePreferences(controller: RoomController | null): void {
  useEffect(() => {
    if (!controller) return;
    return usePreferences.subscribe((after, before) => {
      for (const key of ['audioInput', 'videoInput', 'audioOutput'] as const) {
        if (after[key] !== before[key]) void controller.switchDevice(kinds[key], after[key] ?? '');
      }
      const music = after.sound === 'music' && after.musicRate !== before.musicRate;
      if (after.sound !== before.sound || music) controller.changeSound();
      if (after.lines !== before.lines) controller.changePicture();
      if (after.background !== before.background) controller.changeBackground();
      if (after.dataSaver !== before.dataSaver) controller.setDataSaver(after.dataSaver);
    });
  }, [controller]);
}
