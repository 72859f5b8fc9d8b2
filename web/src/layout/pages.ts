import type { TileId } from './types';

/** One screenful of tiles out of an ordered list. */
export interface Page {
  ids: TileId[];
  /** Zero-based and always within range. */
  page: number;
  pageCount: number;
}

/** Cuts `order` into pages of `capacity` and returns the one asked for, or the last there is. */
export function pageOf(order: readonly TileId[], page: number, capacity: number): Page {
  const size = Math.max(1, capacity);
  const pageCount = Math.max(1, Math.ceil(order.length / size));
  const current = Math.min(Math.max(0, page), pageCount - 1);
  return { ids: order.slice(current * size, (current + 1) * size), page: current, pageCount };
}

/** Returns the tiles of the neighbouring pages, which stay subscribed for quick turning. */
export function neighbourIds(order: readonly TileId[], page: number, capacity: number): TileId[] {
  const size = Math.max(1, capacity);
  const before = order.slice(Math.max(0, (page - 1) * size), page * size);
  const after = order.slice((page + 1) * size, (page + 2) * size);
  return [...before, ...after];
}
