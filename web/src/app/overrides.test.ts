import { describe, expect, it } from 'vitest';
import { readOverrides } from './overrides';

describe('what a link decides', () => {
  it('is read in the form of Jitsi Meet', () => {
    const hash =
      '#config.startWithAudioMuted=true&config.prejoinConfig.enabled=false&config.defaultLanguage=%22de%22&userInfo.displayName=%22Ana%20Prieto%22';
    expect(readOverrides(hash)).toEqual({
      micWanted: false,
      prejoin: false,
      language: 'de',
      displayName: 'Ana Prieto',
    });
  });

  it('never opens a device, and never more than is listed', () => {
    const hash =
      '#config.startWithAudioMuted=false&config.startWithVideoMuted=%22yes%22&config.iceServers=%5B%5D&config.defaultLanguage=%22xx%22&userInfo.displayName=%22%22&key=abc';
    expect(readOverrides(hash)).toEqual({});
  });

  it('cuts a name that is too long', () => {
    expect(readOverrides(`#userInfo.displayName=${'x'.repeat(500)}`).displayName).toHaveLength(128);
  });
});
