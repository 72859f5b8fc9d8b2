import { beforeEach, describe, expect, it } from 'vitest';
import { useRecentRooms } from './recentRooms';

const names = () => useRecentRooms.getState().rooms.map(({ name }) => name);

describe('recent rooms', () => {
  beforeEach(() => useRecentRooms.getState().clear());

  it('stand newest first, each once, whatever its capitals', () => {
    const { add } = useRecentRooms.getState();
    add('Weekly', 1);
    add('Coffee', 2);
    add('weekly', 3);
    expect(names()).toEqual(['weekly', 'Coffee']);
  });

  it('are six at most, and can be forgotten', () => {
    const { add, remove } = useRecentRooms.getState();
    for (let number = 1; number <= 9; number += 1) add(`room ${number}`, number);
    expect(names()).toHaveLength(6);
    remove('room 9');
    expect(names()[0]).toBe('room 8');
  });
});
