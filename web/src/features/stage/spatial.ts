import type { PlacedTile, TileId } from '../../layout';

const directions: Record<string, { x: number; y: number }> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

/** Finds the tile that lies next to another in the direction of an arrow key. */
export function spatialNeighbour(
  placed: readonly PlacedTile[],
  from: TileId,
  key: string,
): TileId | null {
  const direction = directions[key];
  const origin = placed.find(({ id }) => id === from);
  if (!direction || !origin) return null;
  let best: { id: TileId; distance: number } | null = null;
  for (const tile of placed) {
    if (tile.id === from) continue;
    const dx = middle(tile).x - middle(origin).x;
    const dy = middle(tile).y - middle(origin).y;
    const along = dx * direction.x + dy * direction.y;
    const across = Math.abs(dx * direction.y) + Math.abs(dy * direction.x);
    if (along <= 0) continue;
    const distance = along + across * 2;
    if (!best || distance < best.distance) best = { id: tile.id, distance };
  }
  return best?.id ?? null;
}

function middle({ rect }: PlacedTile): { x: number; y: number } {
  return { x: rect.x + rect.width / 2, y: rect.y + rect.height / 2 };
}
