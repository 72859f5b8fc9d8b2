import { DisconnectReason } from 'livekit-client';
import { ApiError } from '../api';
import type { EndReason } from './endReason';

/** Says which end a disconnection means, or null when the call should be rebuilt. */
export function endOfDisconnect(reason: DisconnectReason | undefined): EndReason | null {
  switch (reason) {
    case DisconnectReason.DUPLICATE_IDENTITY:
      return 'duplicate';
    case DisconnectReason.PARTICIPANT_REMOVED:
      return 'removed';
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
      return 'ended';
    default:
      return null;
  }
}

/** Says which end a failed join means, or null when trying again may help. */
export function endOfJoinFailure(error: unknown): EndReason | null {
  if (!(error instanceof ApiError)) return null;
  switch (error.code) {
    case 'banned':
    case 'removed':
      return 'removed';
    case 'room_ended':
      return 'ended';
    case 'room_full':
      return 'full';
    case 'forbidden':
    case 'invalid_room_name':
    case 'reserved_room_name':
    case 'invalid_display_name':
    case 'invalid_request':
      return 'connection_lost';
    default:
      return null;
  }
}
