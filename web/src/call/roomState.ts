import type { ChatMessage, RaisedHand, ReactionKind } from '../api';
import { applyMeetingEvent, emptyMeeting, type Meeting, readMeeting } from './meeting';
import type { ServerSentEvent } from './sse';

/** A reaction on its way up the screen. */
export interface FloatingReaction {
  key: string;
  identity: string;
  kind: ReactionKind;
  at: number;
}

/** A message of mine the server has not confirmed. */
export interface PendingMessage {
  id: string;
  text: string;
  at: number;
  failed: boolean;
  to?: string;
  replyTo?: number;
}

/** What the server says about the room beside its media, mirrored by sequence numbers. */
export interface RoomState {
  meeting: Meeting;
  /** False until the first `state` event. */
  known: boolean;
  seq: number;
  startedAt: number | null;
  /** Ascending. Holds earlier epochs of the room too, when the person was there. */
  chat: readonly ChatMessage[];
  /** Whether the server may have messages older than the first one here. */
  moreChat: boolean;
  pending: readonly PendingMessage[];
  /** In the order they were raised. */
  hands: readonly RaisedHand[];
  reactions: readonly FloatingReaction[];
}

export const emptyRoomState: RoomState = {
  meeting: emptyMeeting,
  known: false,
  seq: 0,
  startedAt: null,
  chat: [],
  moreChat: false,
  pending: [],
  hands: [],
  reactions: [],
};

/** How many messages the `state` event holds at most. */
export const stateChatLength = 100;

export type RoomEventKind = 'state' | 'chat' | 'hand' | 'reaction' | 'meeting' | 'ended';

export type Applied =
  | { kind: 'changed'; state: RoomState; event: RoomEventKind }
  /** Known already, or nothing this client understands. */
  | { kind: 'ignored' }
  /** Something in between is missing: reopen the stream, which begins with `state`. */
  | { kind: 'gap' };

/** Applies one event of the room's stream. Events that make no sense are ignored, never thrown. */
export function applyRoomEvent(state: RoomState, event: ServerSentEvent): Applied {
  const value = parse(event.data);
  if (value === undefined) return { kind: 'ignored' };
  const body = record(value);
  if (event.event === 'state') {
    if (!body) return { kind: 'ignored' };
    const next = applyState(state, body);
    return next ? { kind: 'changed', state: next, event: 'state' } : { kind: 'ignored' };
  }
  if (!state.known) return { kind: 'gap' };
  const seq = Number(event.id);
  if (!Number.isSafeInteger(seq)) return { kind: 'ignored' };
  if (seq <= state.seq) return { kind: 'ignored' };
  if (seq > state.seq + 1) return { kind: 'gap' };
  const at = { ...state, seq };
  const meeting = applyMeetingEvent(state.meeting, event.event, value);
  if (meeting) return { kind: 'changed', state: { ...at, meeting }, event: 'meeting' };
  // An event that is not understood has still been received.
  if (!body) return { kind: 'changed', state: at, event: 'meeting' };
  switch (event.event) {
    case 'chat_changed':
    case 'chat': {
      const message = chatMessage(body);
      if (!message) return { kind: 'changed', state: at, event: 'chat' };
      return { kind: 'changed', state: withMessages(at, [message]), event: 'chat' };
    }
    case 'hand':
      return { kind: 'changed', state: withHand(at, body), event: 'hand' };
    case 'reaction':
      return { kind: 'changed', state: withReaction(at, body, seq), event: 'reaction' };
    case 'ended':
      return { kind: 'changed', state: at, event: 'ended' };
    default:
      return { kind: 'changed', state: at, event: 'meeting' };
  }
}

/** Adds messages wherever they belong, each once, and drops the pending ones they confirm. */
export function withMessages(state: RoomState, messages: readonly ChatMessage[]): RoomState {
  const byId = new Map(state.chat.map((message) => [message.id, message]));
  for (const message of messages) byId.set(message.id, message);
  const chat = [...byId.values()].sort((a, b) => a.at - b.at || a.seq - b.seq);
  const pending = state.pending.filter((message) => !byId.has(message.id));
  return { ...state, chat, pending };
}

/** Notes a message of mine before the server has it. */
export function withPending(state: RoomState, message: PendingMessage): RoomState {
  const others = state.pending.filter(({ id }) => id !== message.id);
  return { ...state, pending: [...others, message] };
}

/** Takes away the reactions that have floated past. */
export function withoutReactions(state: RoomState, olderThan: number): RoomState {
  const reactions = state.reactions.filter(({ at }) => at > olderThan);
  return reactions.length === state.reactions.length ? state : { ...state, reactions };
}

function applyState(state: RoomState, body: Record<string, unknown>): RoomState | null {
  const seq = Number(body.seq);
  if (!Number.isSafeInteger(seq) || !Array.isArray(body.chat) || !Array.isArray(body.hands)) {
    return null;
  }
  const room = (body.room ?? {}) as Record<string, unknown>;
  const startedAt = typeof room.startedAt === 'number' ? room.startedAt : null;
  const chat = body.chat.map((entry) => chatMessage(entry)).filter((entry) => entry !== null);
  const hands = body.hands.map((entry) => raisedHand(entry)).filter((entry) => entry !== null);
  const sameEpoch = state.known && state.startedAt === startedAt;
  const moreChat = sameEpoch ? state.moreChat : chat.length >= stateChatLength;
  const meeting = readMeeting(body);
  const next = { ...state, known: true, seq, startedAt, hands, moreChat, meeting };
  return withMessages(next, chat);
}

function withHand(state: RoomState, body: Record<string, unknown>): RoomState {
  const { identity, raised, at } = body;
  if (typeof identity !== 'string') return state;
  const others = state.hands.filter((hand) => hand.identity !== identity);
  if (raised !== true) return { ...state, hands: others };
  const known = state.hands.find((hand) => hand.identity === identity);
  if (known) return state;
  return { ...state, hands: [...others, { identity, raisedAt: Number(at) || 0 }] };
}

function withReaction(state: RoomState, body: Record<string, unknown>, seq: number): RoomState {
  const { identity, kind, at } = body;
  if (typeof identity !== 'string' || typeof kind !== 'string') return state;
  const reaction: FloatingReaction = {
    key: `${seq}`,
    identity,
    kind: kind as ReactionKind,
    at: Number(at) || 0,
  };
  return { ...state, reactions: [...state.reactions.slice(-29), reaction] };
}

function chatMessage(value: unknown): ChatMessage | null {
  if (typeof value !== 'object' || value === null) return null;
  const { seq, id, identity, name, text, at, ...more } = value as Record<string, unknown>;
  const { to, replyTo, editedAt, deleted, reactions, file } = more;
  if (typeof id !== 'string' || typeof identity !== 'string' || typeof text !== 'string') {
    return null;
  }
  return {
    seq: Number(seq) || 0,
    id,
    identity,
    name: typeof name === 'string' ? name : identity,
    text,
    at: Number(at) || 0,
    ...(typeof to === 'string' ? { to } : {}),
    ...(typeof replyTo === 'number' ? { replyTo } : {}),
    ...(typeof editedAt === 'number' ? { editedAt } : {}),
    ...(deleted === true ? { deleted } : {}),
    ...(typeof file === 'object' && file !== null ? { file: file as ChatMessage['file'] } : {}),
    ...(Array.isArray(reactions) ? { reactions } : {}),
  };
}

function raisedHand(value: unknown): RaisedHand | null {
  if (typeof value !== 'object' || value === null) return null;
  const { identity, raisedAt } = value as Record<string, unknown>;
  return typeof identity === 'string' ? { identity, raisedAt: Number(raisedAt) || 0 } : null;
}

/** Undefined is what is no JSON; null some events mean. */
function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

function record(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}
