import { beforeEach, describe, expect, it, vi } from 'vitest';

async function freshPage() {
  vi.resetModules();
  return (await import('./preferences')).usePreferences;
}

describe('preferences', () => {
  beforeEach(() => localStorage.clear());

  it('survive a reload', async () => {
    const before = await freshPage();
    before.getState().set({ displayName: 'Ana', micWanted: false, audioInput: 'mic' });
    const after = await freshPage();
    expect(after.getState()).toMatchObject({
      displayName: 'Ana',
      micWanted: false,
      audioInput: 'mic',
    });
  });

  it('keep the defaults of settings that are newer than what was stored', async () => {
    const stored = { state: { displayName: 'Ana', sounds: { chat: false } }, version: 1 };
    localStorage.setItem('tertulia.preferences', JSON.stringify(stored));
    const preferences = (await freshPage()).getState();
    expect(preferences.sounds).toEqual({
      joinLeave: true,
      chat: false,
      hand: true,
      reactions: false,
    });
    expect(preferences.letterShortcuts).toBe(true);
  });

  it.each(['not json', '7', '{"state":null,"version":1}'])(
    'outlive damaged storage: %s',
    async (text) => {
      vi.spyOn(console, 'error').mockImplementation(() => undefined);
      localStorage.setItem('tertulia.preferences', text);
      expect((await freshPage()).getState().displayName).toBe('');
    },
  );

  it('last as long as the page where storage is forbidden', async () => {
    vi.stubGlobal('localStorage', {
      getItem() {
        throw new DOMException('', 'SecurityError');
      },
      setItem() {
        throw new DOMException('', 'SecurityError');
      },
    });
    const preferences = await freshPage();
    preferences.getState().set({ displayName: 'Ana' });
    expect(preferences.getState().displayName).toBe('Ana');
    vi.unstubAllGlobals();
  });
});
