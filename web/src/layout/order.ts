import type { TileFacts, TileId } from './types';

/**
 * Carries the order of tiles from one moment to the next.
 *
 * People keep their places: whoever joins takes the end, the last tile fills the hole left by whoever
 * leaves, and nobody else moves. The local camera stays first.
 */
export function keepOrder(previous: readonly TileId[], tiles: readonly TileFacts[]): TileId[] {
  const present = new Set(tiles.map((tile) => tile.id));
  const order: (TileId | null)[] = previous.map((id) => (present.has(id) ? id : null));
  fillHoles(order);
  const kept = order.filter((id): id is TileId => id !== null);
  const known = new Set(kept);
  for (const tile of tiles) {
    if (known.has(tile.id)) continue;
    known.add(tile.id);
    if (tile.isLocal && tile.source === 'camera') kept.unshift(tile.id);
    else kept.push(tile.id);
  }
  return kept;
}

/**
 * Brings `wanted` onto the first page by exchanging it with the tile there that matters least.
 * Moves two tiles, or none when it is already there.
 */
export function promote(
  order: readonly TileId[],
  wanted: TileId,
  capacity: number,
  facts: ReadonlyMap<TileId, TileFacts>,
): TileId[] {
  const from = order.indexOf(wanted);
  if (from < capacity) return [...order];
  let to = -1;
  for (let index = capacity - 1; index >= 0; index -= 1) {
    const id = order[index];
    const here = id === undefined ? undefined : facts.get(id);
    if (!here || here.isLocal || here.source === 'screen') continue;
    const least = to < 0 ? undefined : facts.get(order[to] ?? '');
    if (!least || importance(here) < importance(least)) to = index;
  }
  if (to < 0) return [...order];
  const next = [...order];
  next[to] = wanted;
  next[from] = order[to] ?? wanted;
  return next;
}

/** A raised hand weighs more than any amount of earlier speech. */
function importance(tile: TileFacts): number {
  return tile.lastSpokeAt + (tile.handRaised ? Number.MAX_SAFE_INTEGER / 2 : 0);
}

/** Moves tiles from the end into the holes, so that each departure moves at most one tile. */
function fillHoles(order: (TileId | null)[]): void {
  let last = order.length - 1;
  for (let index = 0; index < order.length; index += 1) {
    if (order[index] !== null) continue;
    while (last > index && order[last] === null) last -= 1;
    if (last <= index) break;
    order[index] = order[last] ?? null;
    order[last] = null;
  }
}
