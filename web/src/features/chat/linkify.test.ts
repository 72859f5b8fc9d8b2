import { describe, expect, it } from 'vitest';
import { linkify } from './linkify';

const links = (text: string) =>
  linkify(text).flatMap((piece) => (piece.kind === 'link' ? [piece.text] : []));

describe('linkify', () => {
  it.each([
    ['see https://example.org/a?b=c#d.', ['https://example.org/a?b=c#d']],
    ['(https://example.org/x_(y))', ['https://example.org/x_(y)']],
    ['www.example.org, and http://a.b/', ['www.example.org', 'http://a.b/']],
    ['https://пример.рф/путь!', ['https://пример.рф/путь']],
    ['http://localhost:7880/room', ['http://localhost:7880/room']],
  ])('%s', (text, expected) => {
    expect(links(text)).toEqual(expected);
  });

  it.each([
    'javascript:alert(1)',
    'data:text/html,<b>x</b>',
    'file:///etc/passwd',
    'https://user:secret@example.org/',
    'https://',
    'nothing here',
  ])('makes no link of %s', (text) => {
    expect(links(text)).toEqual([]);
  });

  it('loses no character', () => {
    for (const text of ['', 'a https://b.c d', '<img src=x>', 'https://a.b).', '«www.a.b»']) {
      expect(
        linkify(text)
          .map((piece) => piece.text)
          .join(''),
      ).toBe(text);
    }
  });
});
