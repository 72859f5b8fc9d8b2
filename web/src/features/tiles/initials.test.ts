import { describe, expect, it } from 'vitest';
import { initials, toneOf } from './initials';

describe('initials', () => {
  it.each([
    ['Ana', 'A'],
    ['Ana María Prieto', 'AP'],
    ['  łukasz  żak ', 'ŁŻ'],
    ['Анна Петрова', 'АП'],
    ['王小明', '王'],
    ['🙂', '?'],
    ['', '?'],
    ['Boris <b>bold</b>', 'BB'],
    ['7 of 9', '79'],
  ])('%s → %s', (name, expected) => {
    expect(initials(name)).toBe(expected);
  });
});

describe('toneOf', () => {
  it('is the same for the same person and within range', () => {
    expect(toneOf('ana')).toBe(toneOf('ana'));
    for (const identity of ['', 'a', 'ö', 'x'.repeat(500)]) {
      expect(toneOf(identity)).toBeGreaterThanOrEqual(0);
      expect(toneOf(identity)).toBeLessThan(6);
    }
  });
});
