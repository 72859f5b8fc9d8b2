import { linkify, type Piece, safeLink } from './linkify';

/** A run of a message's text. */
export type Inline =
  | Piece
  | { kind: 'strong' | 'emphasis' | 'struck'; parts: Inline[] }
  | { kind: 'code'; text: string }
  /** A link under another text; `host` says where it really leads. */
  | { kind: 'named'; parts: Inline[]; href: string; host: string };

/** A paragraph of a message, or what stands in the place of one. */
export type Block =
  | { kind: 'paragraph' | 'quote'; parts: Inline[] }
  | { kind: 'list'; ordered: boolean; start: number; items: Inline[][] }
  | { kind: 'code'; text: string };

/** The text without its marks, on one line: for quotes and for what is read aloud. */
export function plainText(text: string): string {
  return readMarkdown(text).map(blockText).join(' ').replace(/\s+/gu, ' ');
}

function blockText(block: Block): string {
  if (block.kind === 'code') return block.text;
  if (block.kind === 'list') return block.items.map(inlineText).join(' ');
  return inlineText(block.parts);
}

function inlineText(parts: readonly Inline[]): string {
  return parts.map((part) => ('parts' in part ? inlineText(part.parts) : part.text)).join('');
}

/** Deeper nesting than this is text. */
const deepest = 6;
const bullet = /^\s{0,3}[-*•]\s+(?=\S)/u;
const number = /^\s{0,3}(\d{1,4})[.)]\s+(?=\S)/u;
const quote = /^\s{0,3}>\s?/u;
const fence = /^\s{0,3}```/u;

/**
 * Reads the small part of Markdown people write in chats: emphasis, code, lists, quotes and links. Whatever is not
 * recognised stays as written; there is no way from here to HTML.
 */
export function readMarkdown(text: string): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    if (fence.test(line)) {
      const end = lines.findIndex((other, index) => index > at && fence.test(other));
      const last = end < 0 ? lines.length : end;
      blocks.push({ kind: 'code', text: lines.slice(at + 1, last).join('\n') });
      at = last + 1;
    } else if (quote.test(line)) {
      const taken = take(lines, at, (other) => quote.test(other));
      const inner = taken.map((other) => other.replace(quote, '')).join('\n');
      blocks.push({ kind: 'quote', parts: readInline(inner) });
      at += taken.length;
    } else if (bullet.test(line) || number.test(line)) {
      const mark = bullet.test(line) ? bullet : number;
      const taken = take(lines, at, (other) => mark.test(other));
      blocks.push({
        kind: 'list',
        ordered: mark === number,
        start: Number(number.exec(line)?.[1] ?? 1),
        items: taken.map((other) => readInline(other.replace(mark, ''))),
      });
      at += taken.length;
    } else if (line.trim() === '') {
      at += 1;
    } else {
      const plain = (other: string) =>
        other.trim() !== '' && ![fence, quote, bullet, number].some((mark) => mark.test(other));
      const taken = take(lines, at, plain);
      blocks.push({ kind: 'paragraph', parts: readInline(taken.join('\n')) });
      at += Math.max(1, taken.length);
    }
  }
  return blocks;
}

function take(lines: readonly string[], from: number, fits: (line: string) => boolean): string[] {
  const end = lines.findIndex((line, index) => index >= from && !fits(line));
  return lines.slice(from, end < 0 ? lines.length : end);
}

const marks = [
  { mark: '**', kind: 'strong' },
  { mark: '__', kind: 'strong' },
  { mark: '~~', kind: 'struck' },
  { mark: '*', kind: 'emphasis' },
  { mark: '_', kind: 'emphasis' },
] as const;

/** Reads the runs of a paragraph. */
export function readInline(text: string, depth = 0): Inline[] {
  const parts: Inline[] = [];
  let plain = '';
  const flush = () => {
    if (plain !== '') parts.push(...linkify(plain));
    plain = '';
  };
  let at = 0;
  while (at < text.length) {
    const found = depth < deepest ? markAt(text, at, depth) : null;
    if (!found) {
      // An address is taken whole: what is in it are no marks.
      const address = /^(?:https?:\/\/|www\.)[^\s<>"'`]+/iu.exec(text.slice(at, at + 2_048));
      const boundary = at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1] ?? '');
      const step = address && boundary ? address[0].length : 1;
      plain += text.slice(at, at + step);
      at += step;
      continue;
    }
    flush();
    parts.push(found.part);
    at = found.end;
  }
  flush();
  return parts;
}

function markAt(text: string, at: number, depth: number): { part: Inline; end: number } | null {
  const here = text[at];
  if (here === '`') {
    const end = text.indexOf('`', at + 1);
    if (end <= at + 1) return null;
    return { part: { kind: 'code', text: text.slice(at + 1, end) }, end: end + 1 };
  }
  if (here === '[') return namedLink(text, at, depth);
  for (const { mark, kind } of marks) {
    if (!text.startsWith(mark, at)) continue;
    const end = closing(text, at, mark);
    if (end < 0) continue;
    const inner = text.slice(at + mark.length, end);
    return { part: { kind, parts: readInline(inner, depth + 1) }, end: end + mark.length };
  }
  return null;
}

/** Where the mark opened at `at` closes: not inside a word, not beside a space, not over an empty text. */
function closing(text: string, at: number, mark: string): number {
  const word = /[\p{L}\p{N}_*~]/u;
  const opens = text[at + mark.length] ?? ' ';
  if (/\s/u.test(opens) || opens === mark || (at > 0 && word.test(text[at - 1] ?? ''))) return -1;
  let end = text.indexOf(mark, at + mark.length + 1);
  while (end >= 0) {
    const before = text[end - 1] ?? ' ';
    const after = text[end + mark.length] ?? '';
    if (!/\s/u.test(before) && !word.test(after)) return end;
    end = text.indexOf(mark, end + 1);
  }
  return -1;
}

function namedLink(text: string, at: number, depth: number): { part: Inline; end: number } | null {
  const found = /^\[([^\]\n]{1,500})\]\((\S{1,2000}?)\)/u.exec(text.slice(at, at + 2_600));
  const [whole, label, address] = found ?? [];
  const href = address === undefined ? null : safeLink(address);
  if (!whole || label === undefined || !href) return null;
  const { host } = new URL(href);
  const parts = readInline(label, depth + 1).map((part) =>
    part.kind === 'link' ? { kind: 'text' as const, text: part.text } : part,
  );
  return { part: { kind: 'named', parts, href, host }, end: at + whole.length };
}
