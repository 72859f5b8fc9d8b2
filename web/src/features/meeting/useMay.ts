import type { Right } from '../../api/meeting';
import { may } from '../../call/meeting';
import { useRoomState } from '../call/context';

/** Whether this person may do something in the room at the moment. */
export function useMay(right: Right): boolean {
  return useRoomState(({ meeting }) => may(meeting, right));
}
