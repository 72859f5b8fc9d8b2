const mark = '\u{1F512}1:';
const nonceBytes = 12;
const tagBytes = 16;

/** How a message's text came to be readable, or why it is not. */
export type Sealed = 'opened' | 'locked';

/** Says whether a text is one that only the key opens. */
export function isSealed(text: string): boolean {
  return text.startsWith(mark);
}

/** The longest text, in bytes of UTF-8, that fits a limit in characters once it is sealed. */
export function sealableBytes(limit: number): number {
  const left = limit - [...mark].length;
  return Math.max(0, Math.floor((left * 3) / 4) - nonceBytes - tagBytes);
}

/** Seals and opens chat messages, each bound to its sender and its id, so that none passes for another. */
export class ChatCipher {
  constructor(private readonly key: CryptoKey) {}

  async seal(text: string, identity: string, id: string): Promise<string> {
    const iv = crypto.getRandomValues(new Uint8Array(nonceBytes));
    const sealed = await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv, additionalData: bound(identity, id) },
      this.key,
      new TextEncoder().encode(text),
    );
    const all = new Uint8Array(nonceBytes + sealed.byteLength);
    all.set(iv);
    all.set(new Uint8Array(sealed), nonceBytes);
    let binary = '';
    for (const byte of all) binary += String.fromCharCode(byte);
    return mark + btoa(binary).replace(/=+$/, '');
  }

  /** Returns the text, or null where the key is not the one it was sealed with. */
  async open(text: string, identity: string, id: string): Promise<string | null> {
    try {
      const binary = atob(text.slice(mark.length));
      const all = Uint8Array.from(binary, (character) => character.charCodeAt(0));
      const opened = await crypto.subtle.decrypt(
        {
          name: 'AES-GCM',
          iv: all.subarray(0, nonceBytes),
          additionalData: bound(identity, id),
        },
        this.key,
        all.subarray(nonceBytes),
      );
      return new TextDecoder().decode(opened);
    } catch {
      return null;
    }
  }
}

function bound(identity: string, id: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${identity}\n${id}`);
}
