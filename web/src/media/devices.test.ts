import { describe, expect, it } from 'vitest';
import { newDevices, sortDevices, tidyLabel } from './devices';

const info = (kind: MediaDeviceKind, deviceId: string, label: string) =>
  ({ kind, deviceId, label, groupId: '' }) as MediaDeviceInfo;

describe('the list of devices', () => {
  it('drops what says nothing to a person', () => {
    expect(tidyLabel('Default - Headset (046d:0a44)')).toBe('Headset');
    expect(tidyLabel('USB Camera (stereo)')).toBe('USB Camera (stereo)');
  });

  it('marks the default and leaves out its double', () => {
    const list = sortDevices([
      info('audioinput', 'default', 'Default - Desk'),
      info('audioinput', 'communications', 'Communications - Desk'),
      info('audioinput', 'a1', 'Desk'),
      info('videoinput', 'v1', 'Camera'),
    ]);
    expect(list.audioInput.map(({ id, systemDefault }) => [id, systemDefault])).toEqual([
      ['default', true],
      ['a1', false],
    ]);
    expect(list.videoInput).toHaveLength(1);
    expect(list.audioOutput).toEqual([]);
  });

  it('knows what is new, but not while names are withheld', () => {
    const desk = sortDevices([info('audioinput', 'a1', 'Desk')]).audioInput;
    const more = sortDevices([
      info('audioinput', 'a1', 'Desk'),
      info('audioinput', 'a2', 'Headset'),
    ]).audioInput;
    const blind = sortDevices([info('audioinput', '', '')]).audioInput;
    expect(newDevices(desk, more).map(({ label }) => label)).toEqual(['Headset']);
    expect(newDevices(more, desk)).toEqual([]);
    expect(newDevices(blind, more)).toEqual([]);
  });
});
