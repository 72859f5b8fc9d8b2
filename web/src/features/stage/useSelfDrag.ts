import { type PointerEvent, useCallback, useRef, useState } from 'react';
import { nearestCorner, type Size } from '../../layout';
import { usePreferences } from '../../media/preferences';

/** Fewer pixels than this are a click with a trembling hand. */
const threshold = 4;

/** Lets the person drag their floating picture; it settles in the nearest corner. */
export function useSelfDrag(area: Size) {
  const set = usePreferences((state) => state.set);
  const [offset, setOffset] = useState<{ x: number; y: number } | null>(null);
  const latest = useRef(area);
  latest.current = area;

  const startDrag = useCallback(
    (event: PointerEvent<HTMLElement>) => {
      if (event.button !== 0 || (event.target as Element).closest('button, [popover]')) return;
      const tile = event.currentTarget;
      const start = { x: event.clientX, y: event.clientY };
      const stage = tile.parentElement?.getBoundingClientRect();
      let moving = false;
      const onMove = (move: globalThis.PointerEvent) => {
        const x = move.clientX - start.x;
        const y = move.clientY - start.y;
        moving ||= Math.hypot(x, y) > threshold;
        if (moving) setOffset({ x, y });
      };
      const finish = (up: globalThis.PointerEvent) => {
        tile.removeEventListener('pointermove', onMove);
        tile.removeEventListener('pointerup', finish);
        tile.removeEventListener('pointercancel', finish);
        setOffset(null);
        if (!moving || !stage || up.type === 'pointercancel') return;
        const x = up.clientX - stage.left;
        const y = up.clientY - stage.top;
        set({ selfViewCorner: nearestCorner(latest.current, x, y) });
      };
      tile.setPointerCapture(event.pointerId);
      tile.addEventListener('pointermove', onMove);
      tile.addEventListener('pointerup', finish);
      tile.addEventListener('pointercancel', finish);
    },
    [set],
  );

  return { offset, startDrag };
}
