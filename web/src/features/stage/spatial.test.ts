import { describe, expect, it } from 'vitest';
import type { PlacedTile } from '../../layout';
import { spatialNeighbour } from './spatial';

function tile(id: string, x: number, y: number): PlacedTile {
  return { id, role: 'grid', rect: { x, y, width: 100, height: 50 } };
}

describe('spatialNeighbour', () => {
  const grid = [tile('a', 0, 0), tile('b', 110, 0), tile('c', 220, 0), tile('d', 55, 60)];

  it('follows the arrows', () => {
    expect(spatialNeighbour(grid, 'a', 'ArrowRight')).toBe('b');
    expect(spatialNeighbour(grid, 'c', 'ArrowLeft')).toBe('b');
    expect(spatialNeighbour(grid, 'a', 'ArrowDown')).toBe('d');
    expect(spatialNeighbour(grid, 'd', 'ArrowUp')).toBe('a');
  });

  it('stays put at the edge and for other keys', () => {
    expect(spatialNeighbour(grid, 'a', 'ArrowLeft')).toBeNull();
    expect(spatialNeighbour(grid, 'a', 'x')).toBeNull();
    expect(spatialNeighbour(grid, 'gone', 'ArrowLeft')).toBeNull();
  });
});
