import { describe, expect, it } from 'vitest';
import { normalizeRoomName, pathOfRoom, roomNameProblem } from './roomName';

describe('a room name', () => {
  it.each(['Weekly', 'Café 24', 'комната', 'a.b', '会議', 'x'.repeat(128)])('may be %j', (name) => {
    expect(roomNameProblem(name)).toBeNull();
  });

  it.each([
    ['', 'empty'],
    ['  \t ', 'empty'],
    ['x'.repeat(129), 'too_long'],
    ['a/b', 'characters'],
    ['a\\b', 'characters'],
    ['a\u0007b', 'characters'],
    ['.hidden', 'dots'],
    ['end.', 'dots'],
    ['API', 'reserved'],
    ['robots.txt', 'reserved'],
  ])('may not be %j: %s', (name, problem) => {
    expect(roomNameProblem(name)).toBe(problem);
  });

  it('is brought to one form', () => {
    expect(normalizeRoomName('  Ｗｅｅｋｌｙ ')).toBe('Weekly');
  });

  it('becomes one segment of a path', () => {
    expect(pathOfRoom('a b/c?')).toBe('/a%20b%2Fc%3F');
  });
});
