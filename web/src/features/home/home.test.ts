import { describe, expect, it } from 'vitest';
import { roomNameProblem } from '../../api';
import { languages } from '../../i18n';
import { readRoomInput } from './roomInput';
import { timeAgo } from './timeAgo';
import { randomBelow, suggestRoomName, wordsOf } from './words';

describe('what is typed as a room', () => {
  const origin = 'https://meet.example.org';
  it.each([
    ['  Weekly ', 'Weekly'],
    ['https://meet.example.org/Weekly', 'Weekly'],
    ['https://meet.example.org/a%20b/', 'a b'],
    ['https://other.example.org/Weekly', 'https://other.example.org/Weekly'],
    ['https://', 'https://'],
  ])('%j is read as %j', (text, room) => {
    expect(readRoomInput(text, origin)).toBe(room);
  });
});

describe.each(languages)('a suggested name in %s', (language) => {
  it('can be a room', async () => {
    const words = await wordsOf(language);
    for (let round = 0; round < 300; round += 1) {
      const name = suggestRoomName(words);
      expect(roomNameProblem(name)).toBeNull();
      expect(name).toMatch(/^\p{Ll}+-\p{Ll}+-\d{4}$/u);
    }
  });

  it('differs from the one before', async () => {
    const words = await wordsOf(language);
    const names = new Set(Array.from({ length: 50 }, () => suggestRoomName(words)));
    expect(names.size).toBeGreaterThan(45);
  });
});

it('random numbers stay below their limit and reach every value', () => {
  const seen = new Set(Array.from({ length: 400 }, () => randomBelow(7)));
  expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

it.each([
  [30_000, 'now'],
  [5 * 60_000, '5 minutes ago'],
  [3 * 3_600_000, '3 hours ago'],
  [30 * 3_600_000, 'yesterday'],
  [-5_000, 'now'],
])('%i ms in the past is said as "%s"', (past, words) => {
  expect(timeAgo(1_000_000_000 - past, 1_000_000_000, 'en')).toBe(words);
});
