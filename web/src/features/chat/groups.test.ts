import { describe, expect, it } from 'vitest';
import { groupMessages } from './groups';

const noon = new Date(2026, 10, 20, 12).getTime();
const me = { identity: 'me', name: 'Me' };

function message(id: string, identity: string, minutes: number) {
  return { id, seq: 1, identity, name: identity, text: id, at: noon + minutes * 60_000 };
}

describe('groupMessages', () => {
  it('puts what one person says in a row under one name', () => {
    const groups = groupMessages(
      [
        message('1', 'ana', 0),
        message('2', 'ana', 1),
        message('3', 'ben', 2),
        message('4', 'ana', 3),
      ],
      [],
      me,
    );
    expect(groups.map(({ messages }) => messages.map(({ id }) => id))).toEqual([
      ['1', '2'],
      ['3'],
      ['4'],
    ]);
  });

  it('begins anew after a pause and on another day', () => {
    const groups = groupMessages(
      [message('1', 'ana', 0), message('2', 'ana', 6), message('3', 'ana', 24 * 60)],
      [],
      me,
    );
    expect(groups.map(({ newDay }) => newDay)).toEqual([true, false, true]);
  });

  it('shows what is on its way, and what did not arrive', () => {
    const at = noon + 60_000;
    const groups = groupMessages(
      [message('1', 'ana', 0)],
      [{ id: 'p', text: 'hi', at, failed: true }],
      me,
    );
    expect(groups[1]?.messages[0]?.state).toBe('failed');
  });
});
