import type { Size } from '../../layout';

/** How a picture is shown in its frame: enlarged about the middle, then shifted by pixels. */
export interface View {
  scale: number;
  x: number;
  y: number;
}

export const wholeView: View = { scale: 1, x: 0, y: 0 };
const largest = 6;

/** Enlarges or reduces, keeping what is in the middle in the middle. */
export function zoomBy(view: View, factor: number, frame: Size): View {
  const scale = Math.min(largest, Math.max(1, view.scale * factor));
  const ratio = scale / view.scale;
  // Rounding on the way back must not leave a picture at 100.0001 %.
  const exact = scale < 1.02 ? 1 : scale;
  return clampPan({ scale: exact, x: view.x * ratio, y: view.y * ratio }, frame);
}

/** Keeps the picture from being dragged out of its frame. */
export function clampPan(view: View, frame: Size): View {
  const mostX = ((view.scale - 1) * frame.width) / 2;
  const mostY = ((view.scale - 1) * frame.height) / 2;
  const clamp = (value: number, most: number) => Math.min(most, Math.max(-most, value)) || 0;
  return { scale: view.scale, x: clamp(view.x, mostX), y: clamp(view.y, mostY) };
}
