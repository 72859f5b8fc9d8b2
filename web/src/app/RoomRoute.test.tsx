import { cleanup, fireEvent, screen, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { EndReason } from '../call/endReason';
import type { JoinIntent } from '../call/joinIntent';
import { usePreferences } from '../media/preferences';
import { type Answer, show, stubApi } from '../test/page';
import { RoomRoute } from './RoomRoute';

vi.mock('../features/call/CallScreen', () => ({
  default: ({ intent, onEnded }: { intent: JoinIntent; onEnded(reason: EndReason): void }) => (
    <div>
      <p>In the call as {intent.displayName}</p>
      {(['left', 'removed', 'connection_lost'] as const).map((reason) => (
        <button key={reason} type="button" onClick={() => onEnded(reason)}>
          {reason}
        </button>
      ))}
    </div>
  ),
}));
vi.mock('../media/browser', async (original) => ({
  ...(await original<object>()),
  canCall: () => true,
}));

const join = 'POST /api/v1/rooms/Weekly/join';
const joined: Answer = {
  json: { token: 't', room: 'Weekly', identity: 'i', displayName: 'Ana', expiresAt: 1 },
};

async function open(answer: Answer = joined, room = 'Weekly') {
  const api = stubApi({
    'GET /api/v1/rooms/Weekly': {
      json: { name: 'Weekly', exists: false, participants: 0, capacity: null, startedAt: null },
    },
    [join]: answer,
  });
  await show(<RoomRoute room={room} />);
  return api;
}

async function enter() {
  fireEvent.change(screen.getByRole('textbox', { name: 'Your name' }), {
    target: { value: 'Ana' },
  });
  fireEvent.click(screen.getByRole('button', { name: 'Join meeting' }));
}

const heading = () => screen.getByRole('heading', { level: 1 }).textContent;

describe('a room', () => {
  afterEach(cleanup);

  it('is entered, left, and entered again at once with the same wishes', async () => {
    const api = await open();
    await enter();
    expect(await screen.findByText('In the call as Ana')).toBeDefined();
    usePreferences.getState().set({ micWanted: false });
    fireEvent.click(screen.getByRole('button', { name: 'left' }));
    expect(heading()).toBe('You left the meeting');
    fireEvent.click(screen.getByRole('button', { name: 'Rejoin' }));
    expect(await screen.findByText('In the call as Ana')).toBeDefined();
    expect(api.bodies).toEqual([
      { displayName: 'Ana', previousToken: null },
      { displayName: 'Ana', previousToken: 't' },
    ]);
  });

  it('shows the page of each end', async () => {
    await open();
    await enter();
    fireEvent.click(await screen.findByRole('button', { name: 'removed' }));
    expect(heading()).toBe('You were removed');
  });

  it.each([
    ['room_full', 409, 'The room is full'],
    ['banned', 403, 'You cannot enter this room'],
    ['room_ended', 410, 'The meeting has ended'],
  ])('that answers %s has a page for it', async (code, status, title) => {
    await open({ status, json: { error: { code, message: code, reference: 'k3v9-2xq1' } } });
    await enter();
    await waitFor(() => expect(heading()).toBe(title));
    expect(screen.getByText('Reference: k3v9-2xq1')).toBeDefined();
  });

  it.each([
    ['API', 'This name is taken by the server'],
    ['a/b', 'This is not a room name'],
    ['x'.repeat(200), 'This is not a room name'],
  ])('cannot be called %s', async (room, title) => {
    const api = await open(joined, room);
    expect(heading()).toBe(title);
    expect(api.asked.filter((path) => path.includes('/rooms/'))).toEqual([]);
  });
});
