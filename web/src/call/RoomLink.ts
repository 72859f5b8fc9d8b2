import { createStore, type StoreApi } from 'zustand/vanilla';
import { ApiError, api, type ChatMessage, type ReactionKind } from '../api';
import { type Following, followRoom } from './followRoom';
import {
  applyRoomEvent,
  emptyRoomState,
  type RoomState,
  withMessages,
  withoutReactions,
  withPending,
} from './roomState';
import type { ServerSentEvent } from './sse';

/** How long a reaction floats, in ms. */
export const reactionMs = 5_000;
const chatPageLength = 100;

export interface RoomLinkEvents {
  onMessage(message: ChatMessage): void;
  onHand(identity: string, raised: boolean): void;
  onReaction(identity: string, kind: ReactionKind): void;
  onEnded(reason: string): void;
  /** The mirror is complete again after joining or a gap. */
  onState(state: RoomState): void;
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
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(
    private readonly room: string,
    private readonly credentials: Credentials,
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
  async send(text: string, id: string = crypto.randomUUID()): Promise<boolean> {
    const { store } = this;
    const pending = { id, text, at: Date.now(), failed: false };
    store.setState(withPending(store.getState(), pending));
    try {
      const message = await this.authorized((token) =>
        api.sendChat(this.room, token, { id, text }),
      );
      store.setState(withMessages(store.getState(), [message]));
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
    const page = await this.authorized((token) =>
      api.chatBefore(this.room, token, before, chatPageLength),
    );
    store.setState({ ...withMessages(store.getState(), page.messages), moreChat: page.more });
  }

  async setHand(raised: boolean): Promise<void> {
    await this.authorized((token) => api.setHand(this.room, token, raised));
  }

  async react(kind: ReactionKind): Promise<void> {
    await this.authorized((token) => api.react(this.room, token, kind));
  }

  private take(event: ServerSentEvent): boolean {
    const before = this.store.getState();
    const applied = applyRoomEvent(before, event);
    if (applied.kind === 'gap') return false;
    if (applied.kind === 'ignored') return true;
    const { state } = applied;
    this.store.setState(state);
    switch (applied.event) {
      case 'state':
        this.events.onState(state);
        break;
      case 'chat': {
        const known = new Set(before.chat.map(({ id }) => id));
        for (const message of state.chat) {
          if (!known.has(message.id)) this.events.onMessage(message);
        }
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
