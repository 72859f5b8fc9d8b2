import { beforeEach, describe, expect, it, vi } from 'vitest';
import { joinRoom } from './joinRoom';
import { useRecentRooms } from './recentRooms';

const answer = (token: string) => ({
  token,
  room: 'Weekly',
  identity: 'i',
  displayName: 'Ana',
  expiresAt: 1,
});

function stubServer(respond: (previousToken: string | null) => Response) {
  const seen: (string | null)[] = [];
  vi.stubGlobal('fetch', async (_path: string, init: RequestInit) => {
    const { previousToken } = JSON.parse(String(init.body));
    seen.push(previousToken);
    return respond(previousToken);
  });
  return seen;
}

describe('entering a room', () => {
  beforeEach(() => useRecentRooms.getState().clear());

  it('is as the same person the second time, and is remembered', async () => {
    const seen = stubServer(() => Response.json(answer('one')));
    await joinRoom('Weekly', 'Ana');
    await joinRoom('Weekly', 'Ana');
    expect(seen).toEqual([null, 'one']);
    expect(useRecentRooms.getState().rooms.map(({ name }) => name)).toEqual(['Weekly']);
  });

  it.each([
    ['unauthorized', 401],
    ['removed', 403],
  ])('is as somebody new when the token is %s', async (code, status) => {
    const refusal = { error: { code, message: 'no more' } };
    const seen = stubServer((token) =>
      token === 'stale' ? Response.json(refusal, { status }) : Response.json(answer('fresh')),
    );
    sessionStorage.setItem('tertulia.token.weekly', 'stale');
    expect(await joinRoom('Weekly', 'Ana')).toMatchObject({ token: 'fresh' });
    expect(seen).toEqual(['stale', null]);
  });

  it('passes other refusals on', async () => {
    const refusal = { error: { code: 'room_full', message: 'full' } };
    stubServer(() => Response.json(refusal, { status: 409 }));
    await expect(joinRoom('Weekly', 'Ana')).rejects.toMatchObject({ code: 'room_full' });
    expect(useRecentRooms.getState().rooms).toEqual([]);
  });
});
