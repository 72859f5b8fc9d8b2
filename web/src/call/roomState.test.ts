import { describe, expect, it } from 'vitest';
import {
  applyRoomEvent,
  emptyRoomState,
  type RoomState,
  withMessages,
  withPending,
} from './roomState';
import type { ServerSentEvent } from './sse';

function message(id: string, seq: number, at = seq * 10) {
  return { id, seq, at, identity: 'ana', name: 'Ana', text: `text ${id}` };
}

function event(name: string, id: number, body: unknown): ServerSentEvent {
  return { event: name, id: String(id), data: JSON.stringify(body) };
}

function started(seq: number, chat: unknown[] = [], startedAt = 5): ServerSentEvent {
  return event('state', seq, { seq, chat, hands: [], room: { name: 'R', startedAt } });
}

function apply(state: RoomState, ...events: ServerSentEvent[]): RoomState {
  return events.reduce((before, one) => {
    const applied = applyRoomEvent(before, one);
    return applied.kind === 'changed' ? applied.state : before;
  }, state);
}

describe('applyRoomEvent', () => {
  it('begins with the state and follows it by sequence number', () => {
    const state = apply(
      emptyRoomState,
      started(3, [message('a', 1)]),
      event('chat', 4, message('b', 4)),
    );
    expect(state.chat.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(state.seq).toBe(4);
  });

  it('asks for the state again after a gap, and before the first state', () => {
    expect(applyRoomEvent(emptyRoomState, event('chat', 1, message('a', 1))).kind).toBe('gap');
    const state = apply(emptyRoomState, started(3));
    expect(applyRoomEvent(state, event('chat', 5, message('b', 5))).kind).toBe('gap');
  });

  it('takes each event and each message once', () => {
    const state = apply(emptyRoomState, started(3), event('chat', 4, message('a', 4)));
    expect(applyRoomEvent(state, event('chat', 4, message('a', 4))).kind).toBe('ignored');
    expect(withMessages(state, [message('a', 4)]).chat).toHaveLength(1);
  });

  it('keeps the conversation when the room begins anew after a server restart', () => {
    const before = apply(emptyRoomState, started(3, [message('a', 1)]));
    const after = apply(before, started(0, [], 99), event('chat', 1, message('b', 1, 200)));
    expect(after.chat.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(after.startedAt).toBe(99);
  });

  it('replaces the hands with what the state says', () => {
    const raised = apply(
      emptyRoomState,
      started(0),
      event('hand', 1, { identity: 'ana', raised: true, at: 7 }),
    );
    expect(raised.hands).toEqual([{ identity: 'ana', raisedAt: 7 }]);
    expect(apply(raised, started(9)).hands).toEqual([]);
  });

  it('queues hands in the order they were raised', () => {
    const state = apply(
      emptyRoomState,
      started(0),
      event('hand', 1, { identity: 'ana', raised: true, at: 1 }),
      event('hand', 2, { identity: 'ben', raised: true, at: 2 }),
      event('hand', 3, { identity: 'ana', raised: true, at: 3 }),
      event('hand', 4, { identity: 'cho', raised: true, at: 4 }),
      event('hand', 5, { identity: 'ben', raised: false, at: 5 }),
    );
    expect(state.hands.map(({ identity }) => identity)).toEqual(['ana', 'cho']);
  });

  it('drops a pending message once the server has it', () => {
    const sent = withPending(apply(emptyRoomState, started(0)), {
      id: 'mine',
      text: 'hi',
      at: 1,
      failed: false,
    });
    expect(apply(sent, event('chat', 1, message('mine', 1))).pending).toEqual([]);
  });

  it('survives nonsense', () => {
    const state = apply(emptyRoomState, started(0));
    for (const data of ['', '[]', '"x"', '{', 'null', '{"identity":5}', '{"chat":1}']) {
      for (const name of ['state', 'chat', 'hand', 'reaction', 'ended', 'unheard-of']) {
        expect(() => applyRoomEvent(state, { event: name, id: '1', data })).not.toThrow();
      }
    }
    expect(applyRoomEvent(state, { event: 'chat', id: 'x', data: '{}' }).kind).toBe('ignored');
  });
});
