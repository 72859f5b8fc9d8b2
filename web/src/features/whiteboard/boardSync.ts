import { ApiError, type ApiErrorCode } from '../../api';

/** What is known here of an element; the rest is the canvas's business. */
export interface BoardElement {
  readonly id: string;
  readonly version: number;
  readonly versionNonce: number;
  readonly isDeleted: boolean;
}

/** The whiteboard as the server has it. */
export interface Board {
  epoch: number;
  elements: BoardElement[];
}

/** How the server is asked. */
export interface BoardPort {
  /** Gives the whiteboard and has changes told from then on. Rejects with an ApiError. */
  watch(): Promise<Board>;
  /** Rejects with an ApiError. */
  draw(epoch: number, elements: readonly BoardElement[]): Promise<void>;
}

/** What people draw on. */
export interface Canvas {
  /** Everything, also what was deleted. */
  elements(): readonly BoardElement[];
  /** Brings in what others drew, where it is newer than what stands here. */
  merge(elements: readonly BoardElement[]): void;
  /** Begins with an empty canvas. */
  reset(): void;
}

/** How long strokes are gathered, in ms. */
export const gatherMs = 100;
/** How long to wait before trying again, in ms: after too many requests, and without a connection. */
const busyMs = 1_000;
const offlineMs = 3_000;
/** What goes at once; the server takes 500 elements and 1 MiB. */
const mostElements = 200;
const mostCharacters = 400_000;

/**
 * Keeps a canvas and the server's whiteboard the same. Of two versions of an element the higher stays, and of two equal
 * ones the one with the lower nonce: the canvas, the server and everybody else go by that, so it does not matter in
 * which order they hear of what. What cannot be sent now is sent later.
 */
export class BoardSync {
  private epoch: number | null = null;
  /** The versions the server has; copies, since the canvas changes its elements where they are. */
  private readonly known = new Map<string, BoardElement>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private busy = false;
  private stopped = false;

  constructor(
    private readonly port: BoardPort,
    private readonly canvas: Canvas,
    /** Something drawn here is refused for good. */
    private readonly onRefused: (code: ApiErrorCode) => void,
  ) {}

  /** Fetches the whiteboard: at first, and whenever changes may have been missed. */
  async open(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    try {
      const board = await this.port.watch();
      if (this.stopped) return;
      if (this.epoch !== null && this.epoch !== board.epoch) this.canvas.reset();
      this.epoch = board.epoch;
      this.known.clear();
      this.take(board.elements);
      this.schedule(0);
    } catch {
      if (!this.stopped) this.timer = setTimeout(() => void this.open(), offlineMs);
    }
  }

  /** Others drew something. */
  receive(board: Board): void {
    if (board.epoch === this.epoch) this.take(board.elements);
    else if (this.epoch !== null) void this.open();
  }

  /** The whiteboard was cleared. */
  cleared(epoch: number): void {
    if (this.epoch === null || this.epoch === epoch) return;
    this.epoch = epoch;
    this.known.clear();
    this.canvas.reset();
  }

  /** Something may have been drawn here. */
  changed(): void {
    this.schedule(gatherMs);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private take(elements: readonly BoardElement[]): void {
    for (const element of elements) {
      const before = this.known.get(element.id);
      if (!before || supersedes(element, before)) this.known.set(element.id, { ...element });
    }
    this.canvas.merge(elements);
  }

  private schedule(delayMs: number): void {
    if (this.stopped || this.busy || this.timer !== undefined || this.epoch === null) return;
    this.timer = setTimeout(() => void this.flush(), delayMs);
  }

  private async flush(): Promise<void> {
    this.timer = undefined;
    const { epoch } = this;
    const batch = this.batch();
    if (epoch === null || batch.length === 0) return;
    this.busy = true;
    let again: number | null = 0;
    try {
      await this.port.draw(epoch, batch);
      if (this.epoch === epoch) this.note(batch);
    } catch (error) {
      again = this.refused(error instanceof ApiError ? error.code : 'network', batch);
    }
    this.busy = false;
    if (again !== null) this.schedule(again);
  }

  /** Says after how many ms to go on; null for not by itself. */
  private refused(code: ApiErrorCode, batch: readonly BoardElement[]): number | null {
    switch (code) {
      case 'board_cleared':
        void this.open();
        return null;
      case 'too_many_requests':
        return busyMs;
      case 'network':
      case 'unavailable':
      case 'unauthorized':
      case 'internal':
        return offlineMs;
      default:
        // It would be refused again and again, and hold up what comes after it.
        this.note(batch);
        this.onRefused(code);
        return 0;
    }
  }

  private note(batch: readonly BoardElement[]): void {
    for (const element of batch) this.known.set(element.id, element);
  }

  /** What the server does not have yet, as much as goes at once. */
  private batch(): BoardElement[] {
    const batch: BoardElement[] = [];
    let characters = 0;
    for (const element of this.canvas.elements()) {
      const known = this.known.get(element.id);
      if (known ? !supersedes(element, known) : element.isDeleted) continue;
      characters += JSON.stringify(element).length;
      if (batch.length > 0 && (batch.length >= mostElements || characters > mostCharacters)) break;
      // What is drawn while this is on its way belongs to the next batch.
      batch.push({ ...element });
    }
    return batch;
  }
}

function supersedes(one: BoardElement, other: BoardElement): boolean {
  if (one.version !== other.version) return one.version > other.version;
  return one.versionNonce < other.versionNonce;
}
