import { ApiError } from './ApiError';
import { api } from './client';
import { previousToken, rememberToken } from './identity';
import { readInvitation } from './invitation';
import type { LobbyAnswer } from './meeting';
import { useRecentRooms } from './recentRooms';
import type { JoinAnswer } from './types';

/** Obtains the right to enter a room, as the same person as before where this tab has been there already. */
export async function joinRoom(
  room: string,
  displayName: string,
  options: { signal?: AbortSignal; password?: string } = {},
): Promise<JoinAnswer | LobbyAnswer> {
  const answer = await asBefore(room, displayName, await previousToken(room), options);
  if ('token' in answer) await rememberEntry(room, answer);
  return answer;
}

/** Notes the right to enter, from a join or from the lobby, for the next time. */
export async function rememberEntry(room: string, answer: JoinAnswer): Promise<void> {
  await rememberToken(room, answer.token);
  useRecentRooms.getState().add(answer.room, Date.now());
}

async function asBefore(
  room: string,
  displayName: string,
  token: string | null,
  { signal, password }: { signal?: AbortSignal; password?: string },
): Promise<JoinAnswer | LobbyAnswer> {
  const invitation = readInvitation(window.location.hash) ?? undefined;
  // An application that sends people puts its token here, as it does in a link to Jitsi Meet.
  const sent = new URLSearchParams(window.location.search).get('jwt') ?? undefined;
  try {
    return await api.join(
      room,
      { displayName, previousToken: token, password, invitation, token: sent },
      signal,
    );
  } catch (cause) {
    // The token is too old, of keys the server no longer has, or of somebody who was removed: ask as somebody new.
    const worthless =
      cause instanceof ApiError && (cause.code === 'unauthorized' || cause.code === 'removed');
    if (token === null || !worthless) throw cause;
    return api.join(
      room,
      { displayName, previousToken: null, password, invitation, token: sent },
      signal,
    );
  }
}
