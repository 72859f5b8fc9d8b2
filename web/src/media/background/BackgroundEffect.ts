import type { BackgroundChoice } from '../preferences';
import { customBackground, drawBackdrop, isBackdrop } from './choices';
import { openSegmenter, type Segmenter } from './segmenter';

/** Segmentation costs more than anything else on the page; more frames than this nobody misses. */
const framesPerSecond = 20;
/** What the model looks at; a larger picture would only be made this small again. */
const seen = { width: 256, height: 144 };
const blurPixels = { 'blur-light': 8, blur: 18 };

/**
 * Replaces what is behind a person, in one camera track. Nothing is ever shown unreplaced: until the first frame
 * has been through, and whenever a frame fails, the result stands still or is empty.
 */
export class BackgroundEffect {
  private readonly video = document.createElement('video');
  private readonly canvas = document.createElement('canvas');
  private readonly paint: CanvasRenderingContext2D;
  private readonly behind = document.createElement('canvas');
  private readonly small = document.createElement('canvas');
  private nextAt = 0;
  private readonly ticks: Worker;
  private backdrop: HTMLImageElement | null = null;
  private busy = false;
  private stopped = false;
  /** The picture with its background replaced. */
  readonly track: MediaStreamTrack;

  /** Starts the effect on a track, which stays the caller's. Rejects where the browser cannot do it. */
  static async start(
    source: MediaStreamTrack,
    choice: BackgroundChoice,
  ): Promise<BackgroundEffect> {
    const segmenter = await openSegmenter();
    const effect = new BackgroundEffect(segmenter, choice);
    try {
      await effect.prepare();
      effect.follow(source);
    } catch (error) {
      effect.stop();
      throw error;
    }
    return effect;
  }

  private constructor(
    private readonly segmenter: Segmenter,
    private choice: BackgroundChoice,
  ) {
    const paint = this.canvas.getContext('2d');
    if (!paint) throw new Error('no canvas to draw on');
    this.paint = paint;
    this.canvas.width = 1280;
    this.canvas.height = 720;
    paint.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.small.width = seen.width;
    this.small.height = seen.height;
    const [track] = this.canvas.captureStream(framesPerSecond).getVideoTracks();
    if (!track) throw new Error('the canvas gives no picture');
    this.track = track;
    this.video.muted = true;
    this.video.playsInline = true;
    this.ticks = new Worker(new URL('./ticks.worker.ts', import.meta.url), { type: 'module' });
    this.ticks.onmessage = () => void this.tick();
    this.ticks.postMessage(1000 / framesPerSecond);
  }

  /** Works on another track from now on: the camera was switched, or opened anew. */
  follow(source: MediaStreamTrack): void {
    this.video.srcObject = new MediaStream([source]);
    // An element without sound may always play; a rejection means that another track came at once.
    this.video.play().catch(() => undefined);
  }

  stop(): void {
    this.stopped = true;
    this.ticks.terminate();
    this.track.stop();
    this.video.srcObject = null;
    this.segmenter.close();
  }

  private async prepare(): Promise<void> {
    if (this.choice !== 'custom') return;
    const address = customBackground();
    if (!address) {
      this.choice = 'blur';
      return;
    }
    const image = new Image();
    image.src = address;
    await image.decode();
    this.backdrop = image;
  }

  private async tick(): Promise<void> {
    const { video } = this;
    if (this.busy || this.stopped || video.readyState < 2 || video.videoWidth === 0) return;
    const began = performance.now();
    if (began < this.nextAt) return;
    this.busy = true;
    try {
      this.small.getContext('2d')?.drawImage(video, 0, 0, seen.width, seen.height);
      const mask = await this.segmenter.mask(this.small);
      if (mask && !this.stopped) this.draw(mask);
    } catch {
      // One frame is lost; the last good one stays.
    } finally {
      this.busy = false;
      // On a slow machine the page keeps half of the time for everything else.
      const now = performance.now();
      this.nextAt = now + (now - began);
    }
  }

  private draw(mask: CanvasImageSource): void {
    const { paint, canvas, video } = this;
    const width = video.videoWidth;
    const height = video.videoHeight;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    paint.save();
    paint.clearRect(0, 0, width, height);
    paint.drawImage(mask, 0, 0, width, height);
    paint.globalCompositeOperation = 'source-in';
    paint.drawImage(video, 0, 0, width, height);
    paint.globalCompositeOperation = 'destination-over';
    this.drawBehind(width, height);
    paint.restore();
  }

  private drawBehind(width: number, height: number): void {
    const { paint, choice } = this;
    if (isBackdrop(choice)) drawBackdrop(paint, choice, width, height);
    else if (this.backdrop) cover(paint, this.backdrop, width, height);
    else this.drawBlurred(choice === 'blur-light' ? 'blur-light' : 'blur', width, height);
  }

  /** Scaling down and up again blurs everywhere; the canvas's own filter, where there is one, smooths the result. */
  private drawBlurred(strength: keyof typeof blurPixels, width: number, height: number): void {
    const { paint, behind, video } = this;
    const shrink = blurPixels[strength];
    behind.width = Math.max(1, Math.round(width / shrink));
    behind.height = Math.max(1, Math.round(height / shrink));
    const small = behind.getContext('2d');
    if (!small) return;
    small.imageSmoothingQuality = 'high';
    small.drawImage(video, 0, 0, behind.width, behind.height);
    if ('filter' in paint) paint.filter = `blur(${shrink / 2}px)`;
    paint.imageSmoothingQuality = 'high';
    paint.drawImage(behind, 0, 0, width, height);
  }
}

function cover(
  paint: CanvasRenderingContext2D,
  image: HTMLImageElement,
  width: number,
  height: number,
): void {
  const scale = Math.max(width / image.naturalWidth, height / image.naturalHeight);
  const wide = image.naturalWidth * scale;
  const high = image.naturalHeight * scale;
  paint.drawImage(image, (width - wide) / 2, (height - high) / 2, wide, high);
}
