import { ApiError, errorFromResponse, roomPath } from '../api';
import { EventStreamParser, type ServerSentEvent } from './sse';

/** The server sends a ping every 15 s; silence for longer than this means a dead connection. In ms. */
const silenceMs = 40_000;

export interface FollowOptions {
  room: string;
  token(): string;
  /** Takes an event; answers false to have the stream reopened, because something is missing. */
  onEvent(event: ServerSentEvent): boolean;
  /** The server no longer takes the token. Resolves once there is a better one. */
  onUnauthorized(): Promise<void>;
}

/** A running subscription to a room's events. */
export interface Following {
  /** Reopens the stream now rather than after its delay. */
  poke(): void;
  stop(): void;
}

/** Reads the room's event stream for as long as it is wanted, reopening it with growing delays. */
export function followRoom(options: FollowOptions): Following {
  let stopped = false;
  let attempt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let current: AbortController | null = null;

  const again = (delayMs: number) => {
    if (stopped) return;
    clearTimeout(timer);
    timer = setTimeout(() => void run(), delayMs);
  };

  const run = async () => {
    clearTimeout(timer);
    current?.abort();
    const abort = new AbortController();
    current = abort;
    let wait = eventRetryDelayMs(attempt);
    attempt += 1;
    try {
      const outcome = await readOnce(options, abort, () => {
        attempt = 0;
      });
      if (outcome === 'gap') wait = 0;
    } catch (error) {
      if (error instanceof ApiError && error.code === 'unauthorized') {
        await options.onUnauthorized().catch(() => undefined);
      }
      // Anything else is the network's affair: the next attempt will tell.
    }
    if (current === abort) again(wait);
  };

  void run();
  return {
    poke() {
      attempt = 0;
      if (!stopped) void run();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      current?.abort();
    },
  };
}

/** Says how long to wait before opening the stream again, in ms. */
export function eventRetryDelayMs(attempt: number): number {
  return Math.min(10_000, 400 * 2 ** attempt);
}

async function readOnce(
  options: FollowOptions,
  abort: AbortController,
  onAlive: () => void,
): Promise<'closed' | 'gap'> {
  let silence = setTimeout(() => abort.abort(), silenceMs);
  try {
    const response = await fetch(roomPath(options.room, 'events'), {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${options.token()}` },
      cache: 'no-store',
      credentials: 'same-origin',
      signal: abort.signal,
    });
    if (!response.ok) throw await errorFromResponse(response);
    if (!response.body) return 'closed';
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const parser = new EventStreamParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return 'closed';
      clearTimeout(silence);
      silence = setTimeout(() => abort.abort(), silenceMs);
      for (const event of parser.feed(decoder.decode(value, { stream: true }))) {
        onAlive();
        if (!options.onEvent(event)) {
          abort.abort();
          return 'gap';
        }
      }
    }
  } finally {
    clearTimeout(silence);
  }
}
