import type { Rect, Size } from './types';

/** A grid of equal tiles and the size of each. */
export interface Grid {
  columns: number;
  rows: number;
  tile: Size;
}

export interface GridOptions {
  gap: number;
  /** Narrowest allowed tile, as width / height. Phones in portrait profit from tall tiles. */
  minAspect: number;
  /** Widest allowed tile, as width / height. */
  maxAspect: number;
}

export const defaultGridOptions: GridOptions = { gap: 8, minAspect: 0.8, maxAspect: 16 / 9 };

/** Another column count must win by this much, so that resizing by a few pixels never reshuffles. */
const switchGain = 1.08;

/**
 * Finds the column count that gives `count` tiles the largest area in `area`.
 * `previousColumns` is kept while it is nearly as good as the best.
 */
export function fitGrid(
  count: number,
  area: Size,
  previousColumns?: number,
  options: GridOptions = defaultGridOptions,
): Grid {
  const tiles = Math.max(1, Math.floor(count));
  let best = candidate(tiles, 1, area, options);
  for (let columns = 2; columns <= tiles; columns += 1) {
    const next = candidate(tiles, columns, area, options);
    if (tileArea(next) > tileArea(best) + 0.5) best = next;
  }
  if (previousColumns !== undefined && previousColumns >= 1 && previousColumns <= tiles) {
    const previous = candidate(tiles, previousColumns, area, options);
    if (tileArea(previous) > 0 && tileArea(best) < tileArea(previous) * switchGain) return previous;
  }
  return best;
}

/** Places `count` tiles row by row, centred, the last row centred too. */
export function gridRects(
  count: number,
  area: Size,
  grid: Grid,
  gap: number = defaultGridOptions.gap,
): Rect[] {
  const rects: Rect[] = [];
  const blockHeight = grid.rows * grid.tile.height + (grid.rows - 1) * gap;
  const top = (area.height - blockHeight) / 2;
  for (let index = 0; index < count; index += 1) {
    const row = Math.floor(index / grid.columns);
    const column = index % grid.columns;
    const inRow = Math.min(grid.columns, count - row * grid.columns);
    const rowWidth = inRow * grid.tile.width + (inRow - 1) * gap;
    rects.push({
      x: Math.round((area.width - rowWidth) / 2 + column * (grid.tile.width + gap)),
      y: Math.round(top + row * (grid.tile.height + gap)),
      width: Math.floor(grid.tile.width),
      height: Math.floor(grid.tile.height),
    });
  }
  return rects;
}

/** The smallest tile on which a face and a name can still be read. */
const smallestTile: Size = { width: 150, height: 100 };

/**
 * Says how many tiles fit on one page without becoming unreadable, at most `limit`.
 * `previous` is kept until the area clearly asks for another number.
 */
export function pageCapacity(
  area: Size,
  limit: number,
  previous?: number,
  options: GridOptions = defaultGridOptions,
): number {
  const most = Math.max(1, Math.floor(limit));
  const fits = (count: number, slack: number) => {
    const { tile } = fitGrid(count, area, undefined, options);
    return tile.width >= smallestTile.width * slack && tile.height >= smallestTile.height * slack;
  };
  let capacity = 1;
  for (let count = most; count > 1; count -= 1) {
    if (fits(count, 1)) {
      capacity = count;
      break;
    }
  }
  if (previous !== undefined && previous <= most && previous > capacity && fits(previous, 0.92)) {
    return previous;
  }
  return capacity;
}

function candidate(count: number, columns: number, area: Size, options: GridOptions): Grid {
  const rows = Math.ceil(count / columns);
  const cellWidth = Math.max(0, (area.width - options.gap * (columns - 1)) / columns);
  const cellHeight = Math.max(0, (area.height - options.gap * (rows - 1)) / rows);
  const width = Math.min(cellWidth, cellHeight * options.maxAspect);
  const height = Math.min(cellHeight, width / options.minAspect);
  return { columns, rows, tile: { width, height } };
}

function tileArea(grid: Grid): number {
  return grid.tile.width * grid.tile.height;
}
