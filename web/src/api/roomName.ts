/** Names and links of rooms. The rules are the server's, told early so that a person is not sent away first. */

import { hashOfSecret, type Secret } from './secret';

export const maxRoomName = 128;

/** Names that are paths of the server itself. */
const reserved = new Set([
  'api',
  'assets',
  'rtc',
  'twirp',
  'healthz',
  'readyz',
  'metrics',
  'agent',
  'sip',
  'whip',
  'whep',
  'settings',
  'about',
  'test',
  'admin',
  'login',
  'my',
  'calls',
  'xmpp-websocket',
  'http-bind',
  'config.js',
  'favicon.ico',
  'robots.txt',
]);

export type RoomNameProblem = 'empty' | 'too_long' | 'characters' | 'dots' | 'reserved';

/** Brings a name into the form in which rooms are compared and shown. */
export function normalizeRoomName(text: string): string {
  return text.normalize('NFKC').trim();
}

/** Says what keeps a name from being a room's, or `null` if it may be one. */
export function roomNameProblem(text: string): RoomNameProblem | null {
  const name = normalizeRoomName(text);
  if (name === '') return 'empty';
  if ([...name].length > maxRoomName) return 'too_long';
  if (/[\p{Cc}/\\]/u.test(name)) return 'characters';
  if (name.startsWith('.') || name.endsWith('.')) return 'dots';
  if (reserved.has(name.toLowerCase())) return 'reserved';
  return null;
}

/** The path of a room's page. Rooms live at the top, so that a link is short enough to say aloud. */
export function pathOfRoom(room: string): string {
  return `/${encodeURIComponent(room)}`;
}

/** The link of a room, to give to others; with the key of an encrypted one. */
export function linkOfRoom(room: string, secret: Secret | null = null): string {
  const path = `${pathOfRoom(room)}${hashOfSecret(secret)}`;
  return new URL(path, window.location.origin).href;
}
