export { ApiError, errorFromResponse } from './ApiError';
export { api, roomPath } from './client';
export {
  linkOfRoom,
  maxRoomName,
  normalizeRoomName,
  pathOfRoom,
  type RoomNameProblem,
  roomNameProblem,
} from './roomName';
export type * from './types';
