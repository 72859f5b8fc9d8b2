import { beforeEach, describe, expect, it } from 'vitest';
import { noDevices, type PreviewState } from '../../media';
import { defaultPreferences, usePreferences } from '../../media/preferences';
import { intentOf } from './intent';

const answer = { token: 't', room: 'Weekly', identity: 'i', displayName: 'Ana', expiresAt: 1 };
const preview: PreviewState = {
  audio: { phase: 'on' },
  video: { phase: 'problem', problem: 'in_use' },
  devices: noDevices,
};

describe('what is handed to the call', () => {
  beforeEach(() => usePreferences.getState().set(defaultPreferences));

  it('leaves off a device that has a problem', () => {
    expect(intentOf(answer, preview, true)).toMatchObject({ micOn: true, cameraOn: false });
  });

  it('follows the wishes of the person', () => {
    usePreferences.getState().set({ micWanted: false, audioInput: 'headset' });
    const intent = intentOf(answer, null, true);
    expect(intent).toMatchObject({ micOn: false, cameraOn: true });
    expect(intent.devices.audioInput).toBe('headset');
  });

  it('is without devices when that was asked for, and remembers the wish', () => {
    expect(intentOf(answer, preview, false)).toMatchObject({ micOn: false, cameraOn: false });
    expect(usePreferences.getState().micWanted).toBe(true);
  });
});
