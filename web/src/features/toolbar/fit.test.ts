import { describe, expect, it } from 'vitest';
import { fitToolbar } from './fit';

const items = [
  { id: 'mic', width: 48, priority: 0 },
  { id: 'camera', width: 48, priority: 0 },
  { id: 'share', width: 48, priority: 3 },
  { id: 'chat', width: 48, priority: 1 },
  { id: 'layout', width: 48, priority: 5 },
  { id: 'leave', width: 48, priority: 0 },
];

describe('fitToolbar', () => {
  it('keeps everything where there is room', () => {
    expect(fitToolbar(items, 6 * 48 + 5 * 8, 8).size).toBe(6);
  });

  it('gives up what matters least first', () => {
    expect([...fitToolbar(items, 6 * 48 + 5 * 8 - 1, 8)]).not.toContain('layout');
    expect([...fitToolbar(items, 4 * 48 + 3 * 8, 8)]).toEqual(['mic', 'camera', 'chat', 'leave']);
  });

  it('never gives up microphone, camera and leave', () => {
    expect([...fitToolbar(items, 10, 8)]).toEqual(['mic', 'camera', 'leave']);
  });
});
