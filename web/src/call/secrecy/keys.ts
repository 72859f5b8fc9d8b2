import { normalizeRoomName } from '../../api';
import { type Secret, secretBytes } from '../../api/secret';

/** What a link's key is turned into. None of it gives away the others, or the key. */
export interface RoomKeys {
  /** For sound and pictures. */
  media: ArrayBuffer;
  chat: CryptoKey;
  /** Numbers from 0 to 63 that people compare to know they hold the same key. */
  phrase: number[];
}

const phraseLength = 6;

/** Derives a room's keys. The same link in another room gives others. */
export async function roomKeys(secret: Secret, room: string): Promise<RoomKeys> {
  const material = await crypto.subtle.importKey('raw', secretBytes(secret), 'HKDF', false, [
    'deriveBits',
    'deriveKey',
  ]);
  const encoder = new TextEncoder();
  // Rooms are the same whatever the case, so their keys are.
  const salt = encoder.encode(normalizeRoomName(room).toLowerCase());
  const use = (info: string): HkdfParams => ({
    name: 'HKDF',
    hash: 'SHA-256',
    salt,
    info: encoder.encode(`tertulia ${info}`),
  });
  const [media, chat, phrase] = await Promise.all([
    crypto.subtle.deriveBits(use('media'), material, 256),
    crypto.subtle.deriveKey(use('chat'), material, { name: 'AES-GCM', length: 256 }, false, [
      'encrypt',
      'decrypt',
    ]),
    crypto.subtle.deriveBits(use('phrase'), material, phraseLength * 8),
  ]);
  return { media, chat, phrase: [...new Uint8Array(phrase)].map((byte) => byte & 63) };
}
