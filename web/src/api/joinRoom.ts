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
  const answer = await api.join(
    room,
    { displayName, previousToken: await previousToken(room) },
    signal,
  );
  await rememberToken(room, answer.token);
  useRecentRooms.getState().add(answer.room, Date.now());
  return answer;
}
