import { createStore, type StoreApi } from 'zustand/vanilla';
import { ApiError, api, type ChatMessage, type ChatPage, type ReactionKind } from '../api';
import { type Following, followRoom } from './followRoom';
import { type Meeting, type MeetingNotice, meetingNotice } from './meeting';
import {
  applyRoomEvent,
  emptyRoomState,
  type RoomState,
  withMessages,
  withoutReactions,
  withPending,
} from './roomState';
import { type ChatCipher, isSealed } from './secrecy/chatCipher';
import type { ServerSentEvent } from './sse';

/** How long a reaction floats, in ms. */
export const reactionMs = 5_000;
const chatPageLength = 100;

export interface RoomLinkEvents {
  onMessage(message: ChatMessage): void;
  onHand(identity: string, raised: boolean): void;
  onReaction(identity: string, kind: ReactionKind): void;
  onEnded(reason: string): void;
  onMeeting(notice: MeetingNotice): void;
  /** I may do other things than before. */
  onRights(meeting: Meeting): void;
  /** Where I am to be may have changed. */
  onPlace(meeting: Meeting): void;
  /** The mirror is complete again after joining or a gap. */
  onState(state: RoomState): void;
}

/** How messages are sealed, where they are. */
export interface Sealing {
  mine(): string;
  chat(): ChatCipher | null;
}

/** Hears of changes of the whiteboard, and of `state` when some may have been missed. */
export type BoardListener = (event: 'board' | 'board_cleared' | 'state', data: unknown) => void;

export interface SendOptions {
  id?: string;
  to?: string;
  replyTo?: number;
}

/** The credentials of the moment; `renew` resolves once `token` returns a better one. */
export interface Credentials {
  token(): string;
  renew(): Promise<void>;
}

/** The room beside its media: chat, hands and reactions, over our HTTP API and its event stream. */
export class RoomLink {
  readonly store: StoreApi<RoomState> = createStore(() => emptyRoomState);
  private following: Following | null = null;
  private onBoard: BoardListener | null = null;
  /** What sealed texts say; null where our key does not open them. */
  private readonly opened = new Map<string, string | null>();
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(
    private room: string,
    private readonly credentials: Credentials,
    private readonly sealing: Sealing,
    private readonly events: RoomLinkEvents,
  ) {}

  /** Follows the room, which exists for the server from the first connection on; opens the stream anew if it does. */
  start(): void {
    if (this.following) {
      this.following.poke();
      return;
    }
    this.following = followRoom({
      room: this.room,
      token: () => this.credentials.token(),
      onUnauthorized: () => this.credentials.renew(),
      onEvent: (event) => this.take(event),
    });
  }

  /** Goes on in another room of the same meeting, about which nothing is known yet but how the meeting is led. */
  move(room: string): void {
    this.stop();
    this.room = room;
    const { meeting } = this.store.getState();
    this.store.setState({ ...emptyRoomState, meeting });
  }

  /** Opens a text that may be sealed; null where our key does not. */
  async openText(text: string, identity: string, id: string): Promise<string | null> {
    const cipher = this.sealing.chat();
    return isSealed(text) ? ((await cipher?.open(text, identity, id)) ?? null) : text;
  }

  /** Writes to everybody in every breakout room. */
  async broadcast(text: string): Promise<void> {
    const id = crypto.randomUUID();
    const cipher = this.sealing.chat();
    const sealed = cipher ? await cipher.seal(text, this.sealing.mine(), id) : text;
    await this.command('POST', 'breakouts/message', { id, text: sealed });
  }

  /** Reopens the event stream at once: the network is back, or the token is new. */
  poke(): void {
    this.following?.poke();
  }

  stop(): void {
    this.following?.stop();
    this.following = null;
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  /** Sends a message. It shows as pending until the server has it; resolves to false if that fails. */
  async send(
    text: string,
    { id = crypto.randomUUID(), ...where }: SendOptions = {},
  ): Promise<boolean> {
    const { store } = this;
    const pending = { id, text, at: Date.now(), failed: false, ...where };
    store.setState(withPending(store.getState(), pending));
    try {
      const cipher = this.sealing.chat();
      const sealed = cipher ? await cipher.seal(text, this.sealing.mine(), id) : text;
      const message = await this.authorized((token) =>
        api.sendChat(this.room, token, { id, text: sealed, ...where }),
      );
      if (cipher) this.opened.set(sealed, text);
      store.setState(withMessages(store.getState(), [this.readable(message)]));
      return true;
    } catch {
      const unconfirmed = store.getState().pending.some((one) => one.id === id);
      if (unconfirmed) {
        store.setState(withPending(store.getState(), { ...pending, failed: true }));
      }
      return !unconfirmed;
    }
  }

  /** Fetches the messages before the first one known. Rejects with an ApiError. */
  async loadEarlier(): Promise<void> {
    const { store } = this;
    const first = store.getState().chat.find((message) => message.seq > 0);
    const before = first?.seq ?? store.getState().seq + 1;
    const answer = await this.read(`chat?before=${before}&limit=${chatPageLength}`);
    const page = (await answer.json()) as ChatPage;
    store.setState({
      ...withMessages(
        store.getState(),
        page.messages.map((one) => this.readable(one)),
      ),
      moreChat: page.more,
    });
    void this.openSealed();
  }

  /** Asks something of the room; rejects with an ApiError. */
  command(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    extra?: { headers?: Record<string, string>; signal?: AbortSignal },
  ): Promise<Response> {
    return this.authorized((token) => api.command(this.room, token, method, path, body, extra));
  }

  read(path: string): Promise<Response> {
    return this.authorized((token) => api.read(this.room, token, path));
  }

  /** Gives an own message another text. */
  async edit(message: ChatMessage, text: string): Promise<void> {
    const cipher = this.sealing.chat();
    const sealed = cipher ? await cipher.seal(text, this.sealing.mine(), message.id) : text;
    await this.command('PATCH', `chat/${message.seq}`, { text: sealed });
  }

  /** Notes what was chosen, which the server tells only when the stream is opened. */
  async vote(poll: number, choices: number[]): Promise<void> {
    await this.command('PUT', `polls/${poll}/vote`, { choices });
    this.store.setState(({ meeting }) => ({
      meeting: { ...meeting, votes: { ...meeting.votes, [poll]: choices } },
    }));
  }

  followBoard(listener: BoardListener | null): void {
    this.onBoard = listener;
  }

  async setHand(raised: boolean): Promise<void> {
    await this.authorized((token) => api.setHand(this.room, token, raised));
  }

  async react(kind: ReactionKind): Promise<void> {
    await this.command('POST', 'reactions', { kind });
  }

  private take(event: ServerSentEvent): boolean {
    const before = this.store.getState();
    const applied = applyRoomEvent(before, event);
    if (applied.kind === 'gap') return false;
    if (applied.kind === 'ignored') return true;
    const state = { ...applied.state, chat: applied.state.chat.map((one) => this.readable(one)) };
    this.store.setState(state);
    if (state.meeting.own !== before.meeting.own) this.events.onRights(state.meeting);
    if (state.meeting.breakouts !== before.meeting.breakouts) this.events.onPlace(state.meeting);
    switch (applied.event) {
      case 'state':
        void this.openSealed();
        this.events.onState(state);
        this.onBoard?.('state', null);
        break;
      case 'chat': {
        const known = new Set(before.chat.map(({ id }) => id));
        const fresh = state.chat.filter(({ id }) => !known.has(id)).map(({ id }) => id);
        void this.openSealed().then(() => {
          for (const message of this.store.getState().chat) {
            if (fresh.includes(message.id)) this.events.onMessage(message);
          }
        });
        break;
      }
      case 'meeting': {
        if (event.event === 'board' || event.event === 'board_cleared') {
          this.onBoard?.(event.event, JSON.parse(event.data));
          break;
        }
        const notice = meetingNotice(event.event, JSON.parse(event.data), before.meeting);
        if (notice?.kind === 'broadcast') {
          const { text, identity, id } = notice;
          void this.openText(text, identity, id).then((opened) => {
            if (opened !== null) this.events.onMeeting({ ...notice, text: opened });
          });
        } else if (notice) this.events.onMeeting(notice);
        break;
      }
      case 'hand': {
        const body = JSON.parse(event.data) as { identity?: unknown; raised?: unknown };
        if (typeof body.identity === 'string') {
          this.events.onHand(body.identity, body.raised === true);
        }
        break;
      }
      case 'reaction': {
        const latest = state.reactions.at(-1);
        if (latest && !before.reactions.includes(latest)) {
          this.events.onReaction(latest.identity, latest.kind);
          this.forgetReaction(latest.at);
        }
        break;
      }
      case 'ended': {
        const body = JSON.parse(event.data) as { reason?: unknown };
        this.events.onEnded(String(body.reason));
        break;
      }
    }
    return true;
  }

  /** A message with its text as far as it has been opened. */
  private readable(message: ChatMessage): ChatMessage {
    const open = this.sealing.chat() !== null;
    if (!isSealed(message.text)) {
      return message.sealed || !open ? message : { ...message, sealed: 'never' };
    }
    const text = this.opened.get(message.text);
    return text ? { ...message, text, sealed: 'opened' } : { ...message, sealed: 'locked' };
  }

  /** Opens what is sealed and not opened yet. */
  private async openSealed(): Promise<void> {
    const cipher = this.sealing.chat();
    if (!cipher) return;
    const closed = this.store
      .getState()
      .chat.filter(({ text }) => isSealed(text) && !this.opened.has(text));
    if (closed.length === 0) return;
    await Promise.all(
      closed.map(async ({ id, identity, text }) => {
        this.opened.set(text, await cipher.open(text, identity, id));
      }),
    );
    this.store.setState(({ chat }) => ({ chat: chat.map((one) => this.readable(one)) }));
  }

  private forgetReaction(at: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.store.setState(withoutReactions(this.store.getState(), at));
    }, reactionMs);
    this.timers.add(timer);
  }

  /** Runs a request, once more with a renewed token if the server no longer takes the old one. */
  private async authorized<T>(run: (token: string) => Promise<T>): Promise<T> {
    try {
      return await run(this.credentials.token());
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'unauthorized') throw error;
      await this.credentials.renew();
      return run(this.credentials.token());
    }
  }
}
