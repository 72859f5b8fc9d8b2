import { cleanup, fireEvent, screen, within } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { useRecentRooms } from '../../api';
import { show, stubApi } from '../../test/page';
import { Home } from './Home';

async function open() {
  stubApi({});
  const onOpenRoom = vi.fn();
  await show(<Home onOpenRoom={onOpenRoom} />);
  return onOpenRoom;
}

const field = () => screen.getByRole('textbox', { name: 'Room name' });
const start = () => screen.getByRole('button', { name: 'Start or join' });

describe('the front page', () => {
  afterEach(cleanup);

  it('opens the room that was typed', async () => {
    const onOpenRoom = await open();
    fireEvent.change(field(), { target: { value: ' Weekly ' } });
    fireEvent.click(start());
    expect(onOpenRoom).toHaveBeenCalledWith('Weekly', false);
  });

  it('says why a name cannot be used, and goes back to it', async () => {
    const onOpenRoom = await open();
    fireEvent.click(start());
    expect(screen.getByRole('alert').textContent).toContain('Give the room a name');
    fireEvent.change(field(), { target: { value: 'admin' } });
    expect(screen.queryByRole('alert')).toBeNull();
    fireEvent.click(start());
    expect(screen.getByRole('alert').textContent).toContain('used by the server');
    expect(document.activeElement).toBe(field());
    expect(onOpenRoom).not.toHaveBeenCalled();
  });

  it('opens a suggested room, and suggests another', async () => {
    const onOpenRoom = await open();
    const suggestion = () => screen.getByRole('button', { name: /-\d{4}$/ }).textContent;
    const first = suggestion();
    fireEvent.click(screen.getByRole('button', { name: 'Suggest another name' }));
    expect(suggestion()).not.toBe(first);
    fireEvent.click(screen.getByRole('button', { name: /-\d{4}$/ }));
    expect(onOpenRoom).toHaveBeenCalledWith(suggestion(), false);
  });

  it('leads back to recent rooms, until they are forgotten', async () => {
    useRecentRooms.getState().add('Book club', Date.now());
    await open();
    const recent = screen.getByRole('region', { name: 'Where you were lately' });
    expect(within(recent).getByRole('link').getAttribute('href')).toBe('/Book%20club');
    fireEvent.click(within(recent).getByRole('button', { name: 'Forget Book club' }));
    expect(screen.queryByRole('region', { name: 'Where you were lately' })).toBeNull();
  });

  it('changes its language on the spot', async () => {
    await open();
    fireEvent.change(screen.getByRole('combobox', { name: 'Language' }), {
      target: { value: 'de' },
    });
    expect(await screen.findByRole('textbox', { name: 'Raumname' })).toBeDefined();
    expect(document.documentElement.lang).toBe('de');
  });
});
