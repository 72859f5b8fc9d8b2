import { useEffect, useState } from 'react';
import { ApiError, api, type RoomInfo } from '../../api';

const everyMs = 8_000;

interface RoomInfoState {
  info: RoomInfo | null;
  /** Why the room cannot be told about; `null` while all is well. */
  error: ApiError | null;
}

/** Who is in a room, asked now and then while the page is in view. */
export function useRoomInfo(room: string): RoomInfoState {
  const [state, setState] = useState<RoomInfoState>({ info: null, error: null });
  useEffect(() => {
    const abort = new AbortController();
    const ask = () => {
      if (document.hidden) return;
      api.room(room, abort.signal).then(
        (info) => setState({ info, error: null }),
        (cause) => {
          if (abort.signal.aborted || !(cause instanceof ApiError)) return;
          setState(({ info }) => ({ info, error: cause }));
        },
      );
    };
    ask();
    const timer = window.setInterval(ask, everyMs);
    document.addEventListener('visibilitychange', ask);
    return () => {
      abort.abort();
      window.clearInterval(timer);
      document.removeEventListener('visibilitychange', ask);
    };
  }, [room]);
  return state;
}
