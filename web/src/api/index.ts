export { ApiError, errorFromResponse } from './ApiError';
export { api, roomPath } from './client';
export { previousToken, rememberToken } from './identity';
export { joinRoom, rememberEntry } from './joinRoom';
export { type RecentRoom, useRecentRooms } from './recentRooms';
export {
  linkOfRoom,
  maxRoomName,
  normalizeRoomName,
  pathOfRoom,
  type RoomNameProblem,
  roomNameProblem,
} from './roomName';
export type * from './types';
export { useServerConfig } from './useServerConfig';
