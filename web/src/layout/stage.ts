import { defaultGridOptions, fitGrid, type GridOptions, gridRects, pageCapacity } from './grid';
import { keepOrder, promote } from './order';
import { neighbourIds, pageOf } from './pages';
import { cameraTileId, type Rect, type Size, type TileFacts, type TileId } from './types';

/** How the person asked to see the meeting. `auto` picks by how many there are and what is shared. */
export type LayoutChoice = 'auto' | 'grid' | 'speaker';

/** How the stage is arranged at this moment. */
export type Arrangement = 'alone' | 'one-to-one' | 'grid' | 'speaker' | 'share';

/** Where one's own picture goes: among the others, in a corner, or nowhere. */
export type SelfViewPlace = 'tile' | 'float' | 'hidden';

/** A corner of the stage, in writing direction. */
export type Corner = 'top-start' | 'top-end' | 'bottom-start' | 'bottom-end';

/** The part a tile plays in the arrangement. */
export type TileRole = 'main' | 'grid' | 'strip' | 'float';

export interface PlacedTile {
  id: TileId;
  role: TileRole;
  rect: Rect;
}

export interface StageInput {
  area: Size;
  tiles: readonly TileFacts[];
  choice: LayoutChoice;
  pinned: TileId | null;
  /** Identity of the dominant speaker. */
  speaker: string | null;
  page: number;
  /** Most tiles anyone wants on a page. */
  tilesPerPage: number;
  selfView: SelfViewPlace;
  selfCorner: Corner;
  /** Leaves the small pictures beside the main one out. */
  hideStrip: boolean;
  hideWithoutVideo: boolean;
}

/** What the stage remembers from one moment to the next so that nothing jumps. */
export interface StageMemory {
  order: readonly TileId[];
  columns: number;
  capacity: number;
}

export const emptyStageMemory: StageMemory = { order: [], columns: 1, capacity: 1 };

export interface StagePlan {
  arrangement: Arrangement;
  placed: PlacedTile[];
  page: number;
  pageCount: number;
  /** Where the page buttons go: the middle of their upper edge. Absent while there is one page. */
  pager: { x: number; y: number } | null;
  /** Tiles one page away: kept subscribed so that turning the page shows a picture at once. */
  nearby: TileId[];
  memory: StageMemory;
}

const gap = 8;
/** Room kept free for the page buttons, so that they cover nobody. */
const pagerHeight = 52;

/** Lays out the stage. Pure: the same input and memory always give the same plan. */
export function planStage(input: StageInput, memory: StageMemory): StagePlan {
  const facts = new Map(input.tiles.map((tile) => [tile.id, tile]));
  const self = input.tiles.find((tile) => tile.isLocal && tile.source === 'camera');
  const others = input.tiles.filter((tile) => !tile.isLocal && tile.source === 'camera');
  // One's own share is not shown back to its presenter unless pinned: on a shared monitor it would
  // mirror itself without end.
  const shares = input.tiles.filter((tile) => tile.source === 'screen' && !tile.isLocal);
  const order = keepOrder(memory.order, input.tiles);

  const main = chooseMain(input, facts, order, others, shares);
  if (main) return planMain(input, memory, facts, order, main, self);
  if (others.length === 0 && shares.length === 0) return planAlone(input, order, self);
  if (others.length === 1 && input.choice === 'auto' && shares.length === 0) {
    const [other] = others;
    if (other) return planOneToOne(input, order, other, self);
  }
  return planGrid(input, memory, facts, order, self);
}

/** Returns the size of the small picture that floats in a corner. */
export function floatSize(area: Size): Size {
  const width = Math.round(Math.min(260, Math.max(96, area.width * 0.22)));
  const portrait = area.height > area.width;
  return portrait
    ? { width, height: Math.round(width * 1.25) }
    : { width, height: Math.round((width * 9) / 16) };
}

/** A pinned tile wins, then a share by somebody else, then the speaker if that view was chosen. */
function chooseMain(
  input: StageInput,
  facts: ReadonlyMap<TileId, TileFacts>,
  order: readonly TileId[],
  others: readonly TileFacts[],
  shares: readonly TileFacts[],
): TileFacts | undefined {
  const pinned = input.pinned === null ? undefined : facts.get(input.pinned);
  if (pinned) return pinned;
  const share = shares[0];
  if (share && input.choice !== 'grid') return share;
  if (input.choice !== 'speaker' || others.length === 0) return undefined;
  const speaking = input.speaker === null ? undefined : facts.get(cameraTileId(input.speaker));
  if (speaking && !speaking.isLocal) return speaking;
  const first = order.find((id) => others.some((tile) => tile.id === id));
  return first === undefined ? undefined : facts.get(first);
}

function planAlone(input: StageInput, order: TileId[], self: TileFacts | undefined): StagePlan {
  const placed: PlacedTile[] = [];
  if (self && input.selfView !== 'hidden') {
    placed.push({ id: self.id, role: 'float', rect: cornerRect(input.area, input.selfCorner) });
  }
  return single('alone', placed, order);
}

function planOneToOne(
  input: StageInput,
  order: TileId[],
  other: TileFacts,
  self: TileFacts | undefined,
): StagePlan {
  const placed: PlacedTile[] = [{ id: other.id, role: 'main', rect: whole(input.area) }];
  if (self && input.selfView !== 'hidden') {
    placed.push({ id: self.id, role: 'float', rect: cornerRect(input.area, input.selfCorner) });
  }
  return single('one-to-one', placed, order);
}

function planGrid(
  input: StageInput,
  memory: StageMemory,
  facts: ReadonlyMap<TileId, TileFacts>,
  order: TileId[],
  self: TileFacts | undefined,
): StagePlan {
  const selfFloats = self !== undefined && input.selfView === 'float';
  const options = gridOptions(input.area);
  const shown = visibleOrder(order, facts, input, null).filter(
    (id) => id !== self?.id || input.selfView === 'tile',
  );
  const { area, capacity } = gridArea(input, shown.length, memory.capacity, options);
  const { display, people } = arrange(shown, capacity, input.speaker, facts);
  const { ids, page, pageCount } = pageOf(display, input.page, capacity);
  const grid = fitGrid(ids.length, area, memory.columns, options);
  const rects = gridRects(ids.length, area, grid);
  const placed = zip(ids, rects, 'grid');
  if (selfFloats && self) {
    placed.push({ id: self.id, role: 'float', rect: cornerRect(input.area, input.selfCorner) });
  }
  addOffPageSpeaker(placed, input, facts, selfFloats, whole(input.area));
  return {
    arrangement: 'grid',
    placed,
    page,
    pageCount,
    pager: pageCount > 1 ? { x: area.width / 2, y: area.height + gap / 2 } : null,
    nearby: neighbourIds(display, page, capacity),
    memory: { order: merge(order, people), columns: grid.columns, capacity },
  };
}

/** Tall screens take tall pictures, wide ones do not cut much off a face. */
function gridOptions(area: Size): GridOptions {
  return { ...defaultGridOptions, minAspect: area.height > area.width ? 0.72 : 1.15 };
}

/** Finds how many fit on a page, leaving room for the page buttons if not all do. */
function gridArea(
  input: StageInput,
  count: number,
  previous: number,
  options: GridOptions,
): { area: Size; capacity: number } {
  const whole = pageCapacity(input.area, input.tilesPerPage, previous, options);
  if (count <= whole) return { area: input.area, capacity: whole };
  const area = { ...input.area, height: Math.max(1, input.area.height - pagerHeight) };
  return { area, capacity: pageCapacity(area, input.tilesPerPage, previous, options) };
}

/** On later pages people stay in place, and the speaker comes as a small picture instead. */
function addOffPageSpeaker(
  placed: PlacedTile[],
  input: StageInput,
  facts: ReadonlyMap<TileId, TileFacts>,
  selfFloats: boolean,
  within: Rect,
): void {
  if (input.speaker === null) return;
  const id = cameraTileId(input.speaker);
  const speaker = facts.get(id);
  if (!speaker || speaker.isLocal || placed.some((tile) => tile.id === id)) return;
  const rect = cornerRect(within, 'bottom-end');
  if (selfFloats && input.selfCorner === 'bottom-end')
    rect.y = Math.max(0, rect.y - rect.height - gap);
  placed.push({ id, role: 'float', rect });
}

function planMain(
  input: StageInput,
  memory: StageMemory,
  facts: ReadonlyMap<TileId, TileFacts>,
  order: TileId[],
  main: TileFacts,
  self: TileFacts | undefined,
): StagePlan {
  const { area } = input;
  const selfFloats = self !== undefined && input.selfView === 'float' && self.id !== main.id;
  const rest = input.hideStrip
    ? []
    : visibleOrder(order, facts, input, main.id).filter(
        (id) => id !== self?.id || input.selfView === 'tile',
      );
  const arrangement: Arrangement = main.source === 'screen' ? 'share' : 'speaker';
  const strip = stripGeometry(area, rest.length);
  const capacity = Math.max(1, strip.capacity);
  const { display, people } = arrange(rest, capacity, input.speaker, facts);
  const { ids, page, pageCount } = pageOf(display, input.page, capacity);
  const placed: PlacedTile[] = [{ id: main.id, role: 'main', rect: strip.main }];
  if (rest.length > 0) placed.push(...zip(ids, strip.rects(ids.length), 'strip'));
  if (selfFloats && self) {
    placed.push({ id: self.id, role: 'float', rect: cornerRect(strip.main, input.selfCorner) });
  }
  addOffPageSpeaker(placed, input, facts, selfFloats, strip.main);
  return {
    arrangement,
    placed,
    page: rest.length > 0 ? page : 0,
    pageCount: rest.length > 0 ? pageCount : 1,
    pager: rest.length > 0 && pageCount > 1 ? strip.pager : null,
    nearby: neighbourIds(display, page, capacity),
    memory: { order: merge(order, people), columns: memory.columns, capacity: memory.capacity },
  };
}

interface Strip {
  main: Rect;
  pager: { x: number; y: number };
  capacity: number;
  rects(count: number): Rect[];
}

/** A row of small pictures below on tall screens, a column at the side on wide ones. */
function stripGeometry(area: Size, count: number): Strip {
  if (count === 0)
    return { main: whole(area), pager: { x: 0, y: 0 }, capacity: 1, rects: () => [] };
  const tall = area.height > area.width * 0.9;
  if (tall) {
    const height = Math.round(Math.min(180, Math.max(84, area.height * 0.18)));
    const width = Math.round(Math.min(height * 1.2, (area.width - gap) / 2));
    const capacity = Math.max(1, Math.floor((area.width + gap) / (width + gap)));
    const paged = count > capacity ? pagerHeight : 0;
    const main = { x: 0, y: 0, width: area.width, height: area.height - height - gap - paged };
    return {
      main,
      pager: { x: area.width / 2, y: area.height - pagerHeight + gap / 2 },
      capacity,
      rects: (shown) => {
        const start = (area.width - (shown * width + (shown - 1) * gap)) / 2;
        return series(shown, (index) => ({
          x: Math.round(start + index * (width + gap)),
          y: main.height + gap,
          width,
          height,
        }));
      },
    };
  }
  const width = Math.round(Math.min(240, Math.max(120, area.width * 0.17)));
  const height = Math.round((width * 9) / 16);
  const fits = (space: number) => Math.max(1, Math.floor((space + gap) / (height + gap)));
  const paged = count > fits(area.height);
  const space = paged ? area.height - pagerHeight : area.height;
  const capacity = fits(space);
  const main = { x: 0, y: 0, width: area.width - width - gap, height: area.height };
  return {
    main,
    pager: { x: main.width + gap + width / 2, y: area.height - pagerHeight + gap / 2 },
    capacity,
    rects: (shown) => {
      const start = Math.max(0, (space - (shown * height + (shown - 1) * gap)) / 2);
      return series(shown, (index) => ({
        x: main.width + gap,
        y: Math.round(start + index * (height + gap)),
        width,
        height,
      }));
    },
  };
}

function visibleOrder(
  order: readonly TileId[],
  facts: ReadonlyMap<TileId, TileFacts>,
  input: StageInput,
  except: TileId | null,
): TileId[] {
  return order.filter((id) => {
    const tile = facts.get(id);
    if (!tile || id === except) return false;
    if (tile.isLocal && tile.source === 'screen') return false;
    return !input.hideWithoutVideo || tile.hasVideo || tile.isLocal || tile.handRaised;
  });
}

/** Shares come first, then people in their kept order with the speaker brought onto the first page. */
function arrange(
  shown: TileId[],
  capacity: number,
  speaker: string | null,
  facts: ReadonlyMap<TileId, TileFacts>,
): { display: TileId[]; people: TileId[] } {
  const screens = shown.filter((id) => facts.get(id)?.source === 'screen');
  const kept = shown.filter((id) => facts.get(id)?.source === 'camera');
  const room = Math.max(1, capacity - screens.length);
  const people = speaker === null ? kept : promote(kept, cameraTileId(speaker), room, facts);
  return { display: [...screens, ...people], people };
}

/** Puts `shown`, a rearranged subset, back into the places its members held in `order`. */
function merge(order: readonly TileId[], shown: readonly TileId[]): TileId[] {
  const members = new Set(shown);
  let next = 0;
  return order.map((id) => {
    if (!members.has(id)) return id;
    const replacement = shown[next] ?? id;
    next += 1;
    return replacement;
  });
}

function single(arrangement: Arrangement, placed: PlacedTile[], order: TileId[]): StagePlan {
  return {
    arrangement,
    placed,
    page: 0,
    pageCount: 1,
    pager: null,
    nearby: [],
    memory: { order, columns: 1, capacity: 1 },
  };
}

/** Returns where a floating picture lies in the given corner of an area. */
export function cornerRect(area: Size & Partial<Rect>, corner: Corner): Rect {
  const size = floatSize(area);
  const left = area.x ?? 0;
  const top = area.y ?? 0;
  return {
    x: corner.endsWith('start') ? left + gap : left + area.width - size.width - gap,
    y: corner.startsWith('top') ? top + gap : top + area.height - size.height - gap,
    ...size,
  };
}

/** Returns the corner nearest to a point. */
export function nearestCorner(area: Size, x: number, y: number): Corner {
  const block = y < area.height / 2 ? 'top' : 'bottom';
  const inline = x < area.width / 2 ? 'start' : 'end';
  return `${block}-${inline}`;
}

function whole(area: Size): Rect {
  return { x: 0, y: 0, width: area.width, height: area.height };
}

function zip(ids: readonly TileId[], rects: readonly Rect[], role: TileRole): PlacedTile[] {
  return ids.flatMap((id, index) => {
    const rect = rects[index];
    return rect ? [{ id, role, rect }] : [];
  });
}

function series(count: number, build: (index: number) => Rect): Rect[] {
  return Array.from({ length: count }, (_, index) => build(index));
}
