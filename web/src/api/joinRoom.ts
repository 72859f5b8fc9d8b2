import { ApiError } from './ApiError';
import { api } from './client';
import { previousToken, rememberToken } from './identity';
import { useRecentRooms } from './recentRooms';
import type { JoinAnswer } from './types';

/** Obtains the right to enter a room, as the same person as before where this tab has been there already. */
export async function joinRoom(
  room: string,
  displayName: string,
  signal?: AbortSignal,
): Promise<JoinAnswer> {
  const answer = await asBefore(room, displayName, await previousToken(room), signal);
  await rememberToken(room, answer.token);
  useRecentRooms.getState().add(answer.room, Date.now());
  return answer;
}

async function asBefore(
  room: string,
  displayName: string,
  token: string | null,
  signal: AbortSignal | undefined,
): Promise<JoinAnswer> {
  try {
    return await api.join(room, { displayName, previousToken: token }, signal);
  } catch (cause) {
    // The token is too old, or of keys the server no longer has: enter as somebody new.
    const worthless = cause instanceof ApiError && cause.code === 'unauthorized';
    if (token === null || !worthless) throw cause;
    return api.join(room, { displayName, previousToken: null }, signal);
  }
}
