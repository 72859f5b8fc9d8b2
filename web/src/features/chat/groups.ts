import type { ChatMessage } from '../../api';
import type { PendingMessage } from '../../call/roomState';

/** Messages of one person closely following one another, shown under one name. */
export interface MessageGroup {
  key: string;
  identity: string;
  name: string;
  at: number;
  /** Whether the group begins another day than the one before. */
  newDay: boolean;
  messages: ShownMessage[];
}

export interface ShownMessage {
  id: string;
  text: string;
  at: number;
  state: 'sent' | 'sending' | 'failed';
  sealed?: ChatMessage['sealed'];
  to?: string;
  replyTo?: number;
  /** As the server has it; absent for what it does not have. */
  message?: ChatMessage;
}

/** A longer pause begins a new group, in ms. */
const pauseMs = 5 * 60_000;

/** Groups the conversation for reading. */
export function groupMessages(
  chat: readonly ChatMessage[],
  pending: readonly PendingMessage[],
  me: { identity: string; name: string },
): MessageGroup[] {
  const all = [
    ...chat.map((message) => ({ ...message, message, state: 'sent' as const })),
    ...pending.map(({ id, text, at, failed, to, replyTo }) => ({
      to,
      replyTo,
      message: undefined,
      id,
      text,
      at,
      ...me,
      sealed: undefined,
      state: failed ? ('failed' as const) : ('sending' as const),
    })),
  ];
  const groups: MessageGroup[] = [];
  for (const { id, identity, name, text, at, state, sealed, to, replyTo, message: known } of all) {
    const message: ShownMessage = { id, text, at, state };
    if (sealed) message.sealed = sealed;
    if (to !== undefined) message.to = to;
    if (replyTo !== undefined) message.replyTo = replyTo;
    if (known) message.message = known;
    const last = groups.at(-1);
    const previous = last?.messages.at(-1);
    const newDay = !previous || !sameDay(previous.at, at);
    const follows =
      last?.identity === identity &&
      last.name === name &&
      previous !== undefined &&
      at - previous.at < pauseMs &&
      !newDay;
    if (follows) last.messages.push(message);
    else groups.push({ key: id, identity, name, at, newDay, messages: [message] });
  }
  return groups;
}

function sameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}
