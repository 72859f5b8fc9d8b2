import { fireEvent, render, screen } from '@testing-library/react';
import { beforeEach, expect, it, vi } from 'vitest';
import { createStore } from 'zustand/vanilla';
import type { ChatMessage } from '../../api';
import type { Call } from '../../call/callModel';
import type { CallState } from '../../call/RoomController';
import { emptyRoomState, type RoomState } from '../../call/roomState';
import { startTranslations } from '../../i18n';
import '../../i18n/englishLater';
import { CallContext } from '../call/context';
import { createUiStore } from '../call/uiStore';
import { ChatSearch } from './ChatSearch';

const message = (seq: number, more: Partial<ChatMessage> = {}): ChatMessage => ({
  seq,
  id: `m${seq}`,
  identity: 'boris',
  name: 'Boris',
  text: `verbs ${seq}`,
  at: seq,
  ...more,
});

const room = createStore<RoomState>(() => emptyRoomState);
const loadEarlier = vi.fn();

function show(onPick: (seq: number) => void) {
  const state = { identity: 'me', snapshot: { participants: [], speakers: [] } };
  const found = { messages: [message(3, { to: 'me' }), message(9)], more: false };
  const call = {
    store: createStore(() => state as unknown as CallState),
    link: { store: room, read: async () => Response.json(found), loadEarlier },
  } as unknown as Call;
  render(
    <CallContext.Provider value={{ call, ui: createUiStore(), room: 'weekly', link: '' }}>
      <ChatSearch onPick={onPick} />
    </CallContext.Provider>,
  );
  fireEvent.change(screen.getByRole('searchbox'), { target: { value: 'verbs' } });
  fireEvent.click(screen.getByRole('button', { name: 'Find' }));
}

beforeEach(async () => {
  await startTranslations();
  room.setState({ ...emptyRoomState, chat: [message(9)], moreChat: true });
  loadEarlier.mockImplementation(async () => {
    const { chat } = room.getState();
    const first = chat[0]?.seq ?? 0;
    room.setState({ chat: [message(first - 3), ...chat], moreChat: first > 4 });
  });
});

it('marks what was said in private, the newest first', async () => {
  show(() => undefined);
  const notes = await screen.findAllByText('only to you');
  expect(notes).toHaveLength(1);
  const texts = screen.getAllByRole('listitem').map((item) => item.textContent);
  expect(texts[0]).toContain('verbs 9');
  expect(texts[1]).toContain('only to you');
});

it('fetches what was said before until the message is there, and shows it', async () => {
  const picked = vi.fn();
  show(picked);
  const places = await screen.findAllByRole('button', { name: 'Show in the conversation' });
  fireEvent.click(places[1] as HTMLElement);
  await vi.waitFor(() => expect(picked).toHaveBeenCalledWith(3));
  expect(loadEarlier).toHaveBeenCalledTimes(2);
});

it('says so where it cannot be fetched', async () => {
  loadEarlier.mockRejectedValue(new Error('gone'));
  show(() => undefined);
  const places = await screen.findAllByRole('button', { name: 'Show in the conversation' });
  fireEvent.click(places[1] as HTMLElement);
  expect((await screen.findByRole('alert')).textContent).toContain('did not work');
});
