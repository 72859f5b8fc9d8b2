import type { BackgroundChoice } from '../preferences';

/** The ready-made backdrops, each two colours of light on a wall. No picture has to be fetched for them. */
export const backdrops = {
  dusk: ['#3b2a4a', '#d98a5b'],
  forest: ['#16332b', '#8fb996'],
  paper: ['#efe6d8', '#cdbfa8'],
  harbour: ['#14273f', '#7fb2d1'],
} as const satisfies Record<string, readonly [string, string]>;

export type Backdrop = keyof typeof backdrops;

export const backgroundChoices: readonly BackgroundChoice[] = [
  'none',
  'blur-light',
  'blur',
  'dusk',
  'forest',
  'paper',
  'harbour',
  'custom',
];

export function isBackdrop(choice: BackgroundChoice): choice is Backdrop {
  return choice in backdrops;
}

const customKey = 'tertulia.background';
const largest = { width: 1280, height: 720 };

/** The person's own picture as a data: address, if there is one. */
export function customBackground(): string | null {
  try {
    return localStorage.getItem(customKey);
  } catch {
    return null;
  }
}

/** Keeps a picture as the person's own backdrop, no larger than a camera's. Rejects if it is no picture. */
export async function keepCustomBackground(file: Blob): Promise<void> {
  const bitmap = await createImageBitmap(file);
  const scale = Math.max(largest.width / bitmap.width, largest.height / bitmap.height);
  const canvas = document.createElement('canvas');
  canvas.width = largest.width;
  canvas.height = largest.height;
  const paint = canvas.getContext('2d');
  if (!paint) throw new Error('no canvas to draw on');
  const width = bitmap.width * scale;
  const height = bitmap.height * scale;
  paint.drawImage(
    bitmap,
    (largest.width - width) / 2,
    (largest.height - height) / 2,
    width,
    height,
  );
  bitmap.close();
  localStorage.setItem(customKey, canvas.toDataURL('image/jpeg', 0.8));
}

/** Draws a ready-made backdrop. */
export function drawBackdrop(
  paint: CanvasRenderingContext2D,
  backdrop: Backdrop,
  width: number,
  height: number,
): void {
  const [dark, light] = backdrops[backdrop];
  const wall = paint.createLinearGradient(0, 0, width * 0.4, height);
  wall.addColorStop(0, dark);
  wall.addColorStop(1, light);
  paint.fillStyle = wall;
  paint.fillRect(0, 0, width, height);
  const glow = paint.createRadialGradient(
    width * 0.78,
    height * 0.3,
    0,
    width * 0.78,
    height * 0.3,
    width * 0.5,
  );
  glow.addColorStop(0, 'rgb(255 244 224 / 35%)');
  glow.addColorStop(1, 'rgb(255 244 224 / 0%)');
  paint.fillStyle = glow;
  paint.fillRect(0, 0, width, height);
}
