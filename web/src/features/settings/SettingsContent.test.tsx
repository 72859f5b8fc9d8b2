import { cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeMediaDevices } from '../../media/fakeMedia';
import { usePreferences } from '../../media/preferences';
import { show } from '../../test/page';
import { SettingsContent } from './SettingsContent';

const preferences = () => usePreferences.getState();
const openTab = (name: string) => fireEvent.click(screen.getByRole('tab', { name }));

describe('the settings', () => {
  beforeEach(() => {
    const media = new FakeMediaDevices()
      .plug('audioinput', 'default', 'Default - Desk')
      .plug('audioinput', 'mic', 'Desk')
      .plug('audioinput', 'headset', 'Headset')
      .plug('videoinput', 'cam', 'Camera');
    Object.defineProperty(navigator, 'mediaDevices', { value: media, configurable: true });
    vi.stubGlobal('isSecureContext', true);
  });
  afterEach(cleanup);

  it('change devices, and say which one the system would take', async () => {
    await show(<SettingsContent />);
    const microphone = await screen.findByRole<HTMLSelectElement>('combobox', {
      name: 'Microphone',
    });
    expect(microphone.selectedOptions[0]?.textContent).toBe('Desk (system default)');
    fireEvent.change(microphone, { target: { value: 'headset' } });
    expect(preferences().audioInput).toBe('headset');
    fireEvent.change(screen.getByRole('combobox', { name: 'Camera' }), {
      target: { value: 'cam' },
    });
    expect(preferences().videoInput).toBe('cam');
    fireEvent.change(screen.getByRole('combobox', { name: 'Camera' }), { target: { value: '' } });
    expect(preferences().videoInput).toBeUndefined();
  });

  it('show a level only where there is a microphone to show', async () => {
    const shown = await show(<SettingsContent />);
    expect(screen.queryByText('Microphone is off')).toBeNull();
    shown.rerender(<SettingsContent microphone={{ phase: 'off' }} />);
    expect(screen.getByText('Microphone is off')).toBeDefined();
  });

  it('take effect at once, each on its own', async () => {
    await show(<SettingsContent />);
    openTab('Sounds');
    fireEvent.click(screen.getByRole('switch', { name: 'Reactions' }));
    expect(preferences().sounds).toEqual({
      joinLeave: true,
      chat: true,
      hand: true,
      reactions: true,
    });
    openTab('Accessibility');
    fireEvent.click(screen.getByRole('switch', { name: 'Shortcuts of a single letter' }));
    expect(preferences().letterShortcuts).toBe(false);
    openTab('Meeting');
    fireEvent.change(screen.getByRole('combobox', { name: 'Tiles on a page' }), {
      target: { value: '9' },
    });
    expect(preferences().tilesPerPage).toBe(9);
    openTab('Appearance');
    fireEvent.click(screen.getByRole('radio', { name: 'Dark' }));
    expect(preferences().theme).toBe('dark');
  });
});
