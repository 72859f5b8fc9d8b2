/** A control of the toolbar and how dearly it is wanted on a narrow screen. */
export interface Fitting {
  id: string;
  /** In CSS pixels, without the gap. */
  width: number;
  /** The lowest number goes last; 0 never goes. */
  priority: number;
}

/** Returns the ids that fit in `available` pixels; what matters least goes to the overflow menu first. */
export function fitToolbar(
  items: readonly Fitting[],
  available: number,
  gap: number,
): ReadonlySet<string> {
  const kept = new Set(items.map(({ id }) => id));
  const width = () => {
    const shown = items.filter(({ id }) => kept.has(id));
    return shown.reduce((sum, item) => sum + item.width + gap, -gap);
  };
  const leastFirst = [...items].sort((a, b) => b.priority - a.priority);
  for (const item of leastFirst) {
    if (width() <= available || item.priority === 0) break;
    kept.delete(item.id);
  }
  return kept;
}
