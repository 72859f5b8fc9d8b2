import { normalizeRoomName } from './roomName';

/**
 * What stands behind the `#` of a room's link (the key of an encrypted meeting, an invitation, settings) never reaches a
 * server, so that no redirect brings it back. While somebody is away to sign in it waits here, in this tab alone.
 */
const place = 'tertulia.behind-hash';
/** As long as the server waits for somebody to come back from a provider, and a little more. */
const patienceMs = 15 * 60_000;

interface Kept {
  room: string;
  hash: string;
  at: number;
}

/** Keeps what stands behind the `#` of a room's link, for when its reader comes back to the room. */
export function keepBehindHash(room: string, hash = window.location.hash): void {
  const kept: Kept = { room: normalizeRoomName(room), hash, at: Date.now() };
  try {
    if (hash.length > 1) sessionStorage.setItem(place, JSON.stringify(kept));
    else sessionStorage.removeItem(place);
  } catch {
    // Storage may be blocked; then the link is opened once more after the sign-in.
  }
}

/** Takes what was kept for this room, once; empty where there is nothing, or only of long ago. */
export function takeBehindHash(room: string): string {
  try {
    const kept = JSON.parse(sessionStorage.getItem(place) ?? 'null') as Kept | null;
    if (kept?.room !== normalizeRoomName(room)) return '';
    sessionStorage.removeItem(place);
    return Date.now() - kept.at < patienceMs ? kept.hash : '';
  } catch {
    return '';
  }
}

/** Puts it back into the address of a room that was opened without anything behind its `#`. */
export function restoreBehindHash({ pathname, search, hash } = window.location): void {
  if (hash.length > 1 || pathname === '/') return;
  try {
    const kept = takeBehindHash(decodeURIComponent(pathname.slice(1)));
    if (kept) window.history.replaceState(null, '', `${pathname}${search}${kept}`);
  } catch {
    // No text that UTF-8 has, hence no room.
  }
}
