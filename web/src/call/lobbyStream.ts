import { ApiError, errorFromResponse, type JoinAnswer, roomPath } from '../api';
import type { LobbyAnswer } from '../api/meeting';
import { EventStreamParser } from './sse';

export interface LobbyEvents {
  onMessage(text: string, from: string): void;
  onAdmitted(answer: JoinAnswer): void;
  onDenied(): void;
  /** The place is gone, or the network has been away for long: knock again. */
  onLost(why: 'place' | 'network'): void;
}

/** The place in the lobby is kept this long without a stream; reconnecting is worth it for as long. In ms. */
const retryMs = 2_000;
const patienceMs = 60_000;

/** Waits in the lobby. Returns the end of it. */
export function waitInLobby(place: LobbyAnswer, events: LobbyEvents): () => void {
  const stopped = new AbortController();
  let heardAt = Date.now();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const read = async (): Promise<boolean> => {
    const response = await fetch(roomPath(place.room, 'lobby', 'events'), {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${place.lobbyToken}` },
      cache: 'no-store',
      credentials: 'same-origin',
      signal: stopped.signal,
    });
    if (!response.ok) throw await errorFromResponse(response);
    const reader = response.body?.getReader();
    const decoder = new TextDecoder();
    const parser = new EventStreamParser();
    while (reader) {
      const { done, value } = await reader.read();
      if (done) return false;
      heardAt = Date.now();
      for (const { event, data } of parser.feed(decoder.decode(value, { stream: true }))) {
        if (take(event, data)) return true;
      }
    }
    return false;
  };

  /** True for the last event. */
  const take = (event: string, data: string): boolean => {
    const body = JSON.parse(data) as Record<string, unknown>;
    if (event === 'message') events.onMessage(String(body.text), String(body.from ?? ''));
    else if (event === 'admitted') events.onAdmitted(body as unknown as JoinAnswer);
    else if (event === 'denied') events.onDenied();
    else if (event === 'ended') events.onLost('place');
    return event === 'admitted' || event === 'denied' || event === 'ended';
  };

  const run = async () => {
    let over = false;
    try {
      over = await read();
    } catch (error) {
      const refused = error instanceof ApiError && error.status >= 400 && error.status < 500;
      over = refused || Date.now() - heardAt > patienceMs;
      if (over && !stopped.signal.aborted) events.onLost(refused ? 'place' : 'network');
    }
    if (!over && !stopped.signal.aborted) timer = setTimeout(() => void run(), retryMs);
  };

  void run();
  return () => {
    clearTimeout(timer);
    stopped.abort();
  };
}
