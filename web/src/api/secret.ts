/** The key of an encrypted meeting, as it stands behind the `#` of its link, where no server ever sees it. */

const parameter = 'key';
const bytes = 16;

/** A key: 128 random bits in base64url. */
export type Secret = string;

/** Makes a key nobody can guess. */
export function newSecret(): Secret {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return btoa(String.fromCharCode(...random))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}

/**
 * Reads the key of a link: `null` where there is none, `'broken'` where there is one that cannot be right. A broken
 * key must not be taken for none, or somebody would talk in the open who meant not to.
 */
export function readSecret(hash: string): Secret | 'broken' | null {
  const value = new URLSearchParams(hash.replace(/^#/, '')).get(parameter);
  if (value === null) return null;
  return /^[\w-]{22}$/.test(value) ? value : 'broken';
}

/** What goes behind the address of an encrypted meeting. */
export function hashOfSecret(secret: Secret | null): string {
  return secret === null ? '' : `#${parameter}=${secret}`;
}

/** The bits of a key. */
export function secretBytes(secret: Secret): Uint8Array<ArrayBuffer> {
  const text = atob(secret.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
