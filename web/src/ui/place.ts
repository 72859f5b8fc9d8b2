export interface PlaceOptions {
  placement: 'top' | 'bottom';
  align: 'start' | 'center' | 'end';
  /** Pixels between the anchor and the floating box. */
  gap: number;
}

interface Box {
  width: number;
  height: number;
}

interface Rect extends Box {
  left: number;
  top: number;
}

const edge = 8;

/** Computes where a floating box goes: beside the anchor, flipped if there is no room, kept inside the window. */
export function placeRect(
  anchor: Rect,
  floating: Box,
  viewport: Box,
  { placement, align, gap }: PlaceOptions,
  rightToLeft = false,
): { left: number; top: number } {
  const above = anchor.top - gap - floating.height;
  const below = anchor.top + anchor.height + gap;
  const fitsAbove = above >= edge;
  const fitsBelow = below + floating.height <= viewport.height - edge;
  const goesAbove = placement === 'top' ? fitsAbove || !fitsBelow : !fitsBelow && fitsAbove;
  const toLeft = (align === 'start') !== rightToLeft;
  const left =
    align === 'center'
      ? anchor.left + (anchor.width - floating.width) / 2
      : toLeft
        ? anchor.left
        : anchor.left + anchor.width - floating.width;
  const clamp = (value: number, size: number, room: number) =>
    Math.max(edge, Math.min(value, room - size - edge));
  return {
    left: clamp(left, floating.width, viewport.width),
    top: clamp(goesAbove ? above : below, floating.height, viewport.height),
  };
}

/** Puts a fixed-position element beside its anchor. */
export function placeBeside(floating: HTMLElement, anchor: Element, options: PlaceOptions): void {
  const rightToLeft = getComputedStyle(anchor).direction === 'rtl';
  const { left, top } = placeRect(
    anchor.getBoundingClientRect(),
    { width: floating.offsetWidth, height: floating.offsetHeight },
    { width: document.documentElement.clientWidth, height: window.innerHeight },
    options,
    rightToLeft,
  );
  floating.style.left = `${left}px`;
  floating.style.top = `${top}px`;
}
