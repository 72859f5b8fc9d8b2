import { describe, expect, it } from 'vitest';
import { fromField, nextHour, toField, whenOf } from './when';

describe('a time', () => {
  it('comes back from its field', () => {
    const ms = new Date(2026, 2, 5, 9, 7).getTime();
    expect(toField(ms)).toBe('2026-03-05T09:07');
    expect(fromField(toField(ms))).toBe(ms);
    expect(fromField('')).toBeNull();
  });

  it('has a next full hour', () => {
    expect(nextHour(0)).toBe(3_600_000);
    expect(nextHour(3_599_999)).toBe(3_600_000);
    expect(nextHour(3_600_000)).toBe(7_200_000);
  });

  it('is told with its end', () => {
    const startsAt = new Date(2026, 2, 5, 9, 0).getTime();
    const told = whenOf({ startsAt, durationMin: 90, repeat: null }, 'de');
    expect(told).toContain('09:00');
    expect(told).toContain('10:30');
  });
});
