/** A piece of a message: plain text, or a link that is safe to follow. */
export type Piece = { kind: 'text'; text: string } | { kind: 'link'; text: string; href: string };

const candidates = /\b(?:https?:\/\/|www\.)[^\s<>"'`]+/giu;
/** What ends a sentence rather than an address. */
const trailing = /[.,;:!?…'"»”’]+$/u;

const brackets = [
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
] as const;

/** Finds the web addresses in a text. Nothing but http and https ever becomes a link. */
export function linkify(text: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(candidates)) {
    const address = trim(match[0]);
    const href = hrefOf(address);
    if (!href) continue;
    if (match.index > at) pieces.push({ kind: 'text', text: text.slice(at, match.index) });
    pieces.push({ kind: 'link', text: address, href });
    at = match.index + address.length;
  }
  if (at < text.length) pieces.push({ kind: 'text', text: text.slice(at) });
  return pieces;
}

/** Leaves out closing punctuation, and a bracket that was opened before the address. */
function trim(found: string): string {
  let address = found.replace(trailing, '');
  for (const [open, close] of brackets) {
    while (address.endsWith(close) && count(address, close) > count(address, open)) {
      address = address.slice(0, -1).replace(trailing, '');
    }
  }
  return address;
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}

/** Says where an address written by somebody leads, if it is one that is safe to follow. */
export function safeLink(address: string): string | null {
  return /^(?:https?:\/\/|www\.)/i.test(address) ? hrefOf(address) : null;
}

function hrefOf(address: string): string | null {
  const full = /^www\./i.test(address) ? `https://${address}` : address;
  try {
    const url = new URL(full);
    const web = url.protocol === 'https:' || url.protocol === 'http:';
    // An address with a name and password in front is made to deceive.
    return web && url.hostname.includes('.') && !url.username ? url.href : localHref(url);
  } catch {
    return null;
  }
}

function localHref(url: URL): string | null {
  return /^(localhost|\[[\da-f:]+\])$/i.test(url.hostname) && !url.username ? url.href : null;
}
