import { describe, expect, it, vi } from 'vitest';
import { ApiError } from './ApiError';
import { api } from './client';

function stubFetch(answer: () => Promise<Response>) {
  const fetch = vi.fn<(path: string, init: RequestInit) => Promise<Response>>(answer);
  vi.stubGlobal('fetch', fetch);
  return fetch;
}

describe('the API client', () => {
  it('sends the token, and names the room safely in the path', async () => {
    const fetch = stubFetch(async () => Response.json({ seq: 1 }, { status: 201 }));
    await api.sendChat('Über/uns?', 'secret', { id: 'a', text: 'hi' });
    const [path, init] = fetch.mock.calls[0] ?? [];
    expect(path).toBe('/api/v1/rooms/%C3%9Cber%2Funs%3F/chat');
    expect(init?.method).toBe('POST');
    expect(new Headers(init?.headers).get('authorization')).toBe('Bearer secret');
    expect(init?.body).toBe('{"id":"a","text":"hi"}');
  });

  it('accepts answers without a body', async () => {
    stubFetch(async () => new Response(null, { status: 204 }));
    await expect(api.setHand('r', 't', true)).resolves.toBeUndefined();
  });

  it('reports a missing answer as a network error', async () => {
    stubFetch(() => Promise.reject(new TypeError('failed to fetch')));
    await expect(api.config()).rejects.toMatchObject({ code: 'network', status: 0 });
  });

  it('reports an answer that is not JSON', async () => {
    stubFetch(async () => new Response('<html>', { status: 200 }));
    await expect(api.config()).rejects.toBeInstanceOf(ApiError);
  });

  it('passes an abort on as it is', async () => {
    const abort = new AbortController();
    stubFetch(() => Promise.reject(new DOMException('aborted', 'AbortError')));
    abort.abort();
    await expect(api.room('r', abort.signal)).rejects.toMatchObject({ name: 'AbortError' });
  });
});
