import { ApiError, errorFromResponse } from './ApiError';
import type { LobbyAnswer } from './meeting';
import type { ChatMessage, JoinAnswer, JoinRequest, RoomInfo, ServerConfig } from './types';

const base = '/api/v1';
const timeoutMs = 15_000;
/** A piece of a file over a slow line. */
const pieceTimeoutMs = 120_000;

interface RequestOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  token?: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** The path of a room's resource. */
export function roomPath(room: string, ...rest: string[]): string {
  return [base, 'rooms', encodeURIComponent(room), ...rest].join('/');
}

/** Asks the server; rejects with an ApiError. */
export async function send(path: string, options: RequestOptions): Promise<Response> {
  const headers = new Headers({ accept: 'application/json', ...options.headers });
  const raw = options.body instanceof Blob;
  if (options.token) headers.set('authorization', `Bearer ${options.token}`);
  if (options.body !== undefined) {
    headers.set('content-type', raw ? 'application/octet-stream' : 'application/json');
  }
  const timeout = AbortSignal.timeout(raw ? pieceTimeoutMs : timeoutMs);
  let response: Response;
  try {
    response = await fetch(path, {
      method: options.method ?? 'GET',
      headers,
      body:
        options.body === undefined
          ? undefined
          : raw
            ? (options.body as Blob)
            : JSON.stringify(options.body),
      signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
      credentials: 'same-origin',
      cache: 'no-store',
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new ApiError('network', 0, cause instanceof Error ? cause.message : 'no answer');
  }
  if (!response.ok) throw await errorFromResponse(response);
  return response;
}

/** Asks the server for JSON. */
export async function json<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(path, options);
  try {
    return (await response.json()) as T;
  } catch {
    throw new ApiError('internal', response.status, 'the answer is not JSON');
  }
}

/** The server's HTTP API. Every method rejects with an ApiError, or with the abort of its signal. */
export const api = {
  config: (signal?: AbortSignal) => json<ServerConfig>(`${base}/config`, { signal }),

  room: (room: string, signal?: AbortSignal) => json<RoomInfo>(roomPath(room), { signal }),

  join: (room: string, body: JoinRequest, signal?: AbortSignal) =>
    json<JoinAnswer | LobbyAnswer>(roomPath(room, 'join'), { method: 'POST', body, signal }),

  sendChat: (
    room: string,
    token: string,
    message: { id: string; text: string; to?: string; replyTo?: number },
  ) => json<ChatMessage>(roomPath(room, 'chat'), { method: 'POST', token, body: message }),

  /** Asks something of the room beyond what has a method of its own; the path is below the room's. */
  async command(
    room: string,
    token: string,
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    extra: Pick<RequestOptions, 'headers' | 'signal'> = {},
  ): Promise<Response> {
    return send(`${roomPath(room)}/${path}`, { method, token, body, ...extra });
  },

  /** Reads something of the room as it comes. */
  async read(room: string, token: string, path: string): Promise<Response> {
    return send(`${roomPath(room)}/${path}`, { token });
  },

  async setHand(room: string, token: string, raised: boolean): Promise<void> {
    await send(roomPath(room, 'hand'), { method: 'PUT', token, body: { raised } });
  },

  async leave(room: string, token: string): Promise<void> {
    await send(roomPath(room, 'leave'), { method: 'POST', token });
  },

  /** Leaves while the page is going away, when nothing can be awaited any more. */
  leaveBeacon(room: string, token: string): boolean {
    return navigator.sendBeacon(`${roomPath(room, 'leave')}?token=${encodeURIComponent(token)}`);
  },
};
