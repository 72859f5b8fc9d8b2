import { describe, expect, it } from 'vitest';
import { type Block, type Inline, plainText, readMarkdown } from './markdown';

/** Writes what was read in a form that is easy to compare. */
function told(blocks: readonly Block[]): string {
  return blocks
    .map((block) => {
      if (block.kind === 'code') return `<pre>${block.text}</pre>`;
      if (block.kind === 'list') {
        const tag = block.ordered ? `ol ${block.start}` : 'ul';
        return `<${tag}>${block.items.map((item) => `<li>${runs(item)}`).join('')}`;
      }
      return `<${block.kind === 'quote' ? 'q' : 'p'}>${runs(block.parts)}`;
    })
    .join('');
}

function runs(parts: readonly Inline[]): string {
  return parts
    .map((part) => {
      switch (part.kind) {
        case 'text':
          return part.text;
        case 'link':
          return `<a ${part.href}>${part.text}</a>`;
        case 'code':
          return `<c>${part.text}</c>`;
        case 'named':
          return `<a ${part.href}>${runs(part.parts)}</a>(${part.host})`;
        default:
          return `<${part.kind}>${runs(part.parts)}</${part.kind}>`;
      }
    })
    .join('');
}

describe('Markdown in a message', () => {
  it.each([
    ['plain', '<p>plain'],
    ['**bold** and *italic*', '<p><strong>bold</strong> and <emphasis>italic</emphasis>'],
    ['~~gone~~ `a*b*c`', '<p><struck>gone</struck> <c>a*b*c</c>'],
    ['**bold *and* both**', '<p><strong>bold <emphasis>and</emphasis> both</strong>'],
    ['snake_case_name 2*3*4', '<p>snake_case_name 2*3*4'],
    ['* not closed', '<ul><li>not closed'],
    ['**', '<p>**'],
    ['** spaced **', '<p>** spaced **'],
    ['- one\n- two', '<ul><li>one<li>two'],
    ['3. three\n4. four', '<ol 3><li>three<li>four'],
    ['> said\n> before\nanswer', '<q>said\nbefore<p>answer'],
    ['```\n**x**\n```\nafter', '<pre>**x**</pre><p>after'],
    ['```\nnever closed', '<pre>never closed</pre>'],
    ['two\n\nparagraphs', '<p>two<p>paragraphs'],
    ['https://a.example/x_y_z', '<p><a https://a.example/x_y_z>https://a.example/x_y_z</a>'],
  ])('%j', (text, expected) => {
    expect(told(readMarkdown(text))).toBe(expected);
  });

  it('shows where a link under another name leads', () => {
    expect(told(readMarkdown('[my bank](https://evil.example/login)'))).toBe(
      '<p><a https://evil.example/login>my bank</a>(evil.example)',
    );
  });

  it.each([
    '[x](javascript:alert(1))',
    '[x](data:text/html,1)',
    '[x](https://user:pass@bank.example/)',
    '<img src=x onerror=alert(1)>',
  ])('leaves %s as text', (text) => {
    expect(told(readMarkdown(text))).not.toContain('<a ');
  });

  it('keeps every character of what it does not recognise', () => {
    const text = '*_~`[]()>**__~~[[((x';
    const read = readMarkdown(text);
    expect(JSON.stringify(read)).toContain('x');
    expect(told(read)).toBe(`<p>${text}`);
  });

  it('can be said without its marks, on one line', () => {
    const text = '> so **it** is\n\n- [a](https://a.example)\n- `b`\n```\nlet c\n```';
    expect(plainText(text)).toBe('so it is a b let c');
  });

  it('reads marks that never close, however many', () => {
    for (const piece of ['**', '*a ', '[x](', '`', '> ', '_a_', '[[[']) {
      const text = piece.repeat(4_000 / piece.length);
      expect(told(readMarkdown(text)).length).toBeGreaterThan(0);
    }
  });
});
