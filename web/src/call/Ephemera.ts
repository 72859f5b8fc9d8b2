import { type RemoteParticipant, type Room, RoomEvent } from 'livekit-client';

type Listener = (identity: string, message: unknown) => void;

/** More than this is nothing that passes by. In bytes. */
const longest = 1_000;

/** What passes by and is worth nothing a moment later, such as where somebody points: sent to all, kept by nobody. */
export class Ephemera {
  private room: Room | null = null;
  private readonly listeners = new Map<string, Listener>();

  /** Goes through this room from here on. */
  attach(room: Room): void {
    this.room = room;
    room.on(
      RoomEvent.DataReceived,
      (payload: Uint8Array, sender?: RemoteParticipant, _kind?: unknown, topic?: string) => {
        const listener = topic === undefined ? undefined : this.listeners.get(topic);
        if (!listener || !sender || room !== this.room || payload.length > longest) return;
        const message = parse(payload);
        if (message !== undefined) listener(sender.identity, message);
      },
    );
  }

  /** Tells all others, unless it gets lost on the way. */
  send(topic: string, message: unknown): void {
    const payload = new TextEncoder().encode(JSON.stringify(message));
    // Whoever is between two connections has nobody to tell; the next message comes soon.
    this.room?.localParticipant
      .publishData(payload, { reliable: false, topic })
      .catch(() => undefined);
  }

  /** Hears what others say of a topic, one listener each, until the returned function is called. */
  follow(topic: string, listener: Listener): () => void {
    this.listeners.set(topic, listener);
    return () => {
      if (this.listeners.get(topic) === listener) this.listeners.delete(topic);
    };
  }
}

function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(payload));
  } catch {
    return undefined;
  }
}
