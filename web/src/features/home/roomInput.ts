import { normalizeRoomName } from '../../api';

/** Reads what somebody typed or pasted as a room: a name, or a whole link to a room of this server. */
export function readRoomInput(text: string, origin: string): string {
  const name = normalizeRoomName(text);
  if (!/^https?:\/\//i.test(name)) return name;
  try {
    const url = new URL(name);
    if (url.origin !== origin) return name;
    return normalizeRoomName(decodeURIComponent(url.pathname.replace(/^\/+|\/+$/g, '')));
  } catch {
    return name;
  }
}
