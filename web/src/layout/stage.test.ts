import { describe, expect, it } from 'vitest';
import { seeded } from './seeded';
import { emptyStageMemory, planStage, type StageInput, type StageMemory } from './stage';
import { cameraTileId, screenTileId, type TileFacts } from './types';

const area = { width: 1280, height: 640 };

function person(identity: string, more: Partial<TileFacts> = {}): TileFacts {
  return {
    id: cameraTileId(identity),
    identity,
    source: 'camera',
    isLocal: identity === 'me',
    hasVideo: true,
    handRaised: false,
    lastSpokeAt: 0,
    ...more,
  };
}

function share(identity: string): TileFacts {
  return { ...person(identity), id: screenTileId(identity), source: 'screen' };
}

function people(count: number): TileFacts[] {
  return [person('me'), ...Array.from({ length: count - 1 }, (_, index) => person(`p${index}`))];
}

function input(tiles: readonly TileFacts[], more: Partial<StageInput> = {}): StageInput {
  return {
    area,
    tiles,
    choice: 'auto',
    pinned: null,
    speaker: null,
    page: 0,
    tilesPerPage: 9,
    selfView: 'tile',
    selfCorner: 'bottom-end',
    hideStrip: false,
    hideWithoutVideo: false,
    ...more,
  };
}

function moved(before: readonly string[], after: readonly string[]): number {
  const survivors = before.filter((id) => after.includes(id));
  return survivors.filter((id) => before.indexOf(id) !== after.indexOf(id)).length;
}

describe('the stage keeps people in place', () => {
  it('moves at most two tiles for one join, one departure or one speaker', () => {
    const random = seeded(7);
    let tiles = people(6);
    let memory: StageMemory = emptyStageMemory;
    let named = 100;
    let now = 0;
    memory = planStage(input(tiles), memory).memory;
    for (let round = 0; round < 2000; round += 1) {
      now += 1000;
      const dice = random();
      let speaker: string | null = null;
      const remote = tiles.filter((tile) => !tile.isLocal);
      if (dice < 0.3 && tiles.length < 40) {
        named += 1;
        tiles = [...tiles, person(`n${named}`)];
      } else if (dice < 0.5 && remote.length > 3) {
        const gone = remote[Math.floor(random() * remote.length)];
        tiles = tiles.filter((tile) => tile.id !== gone?.id);
      } else {
        const who = remote[Math.floor(random() * remote.length)];
        speaker = who?.identity ?? null;
        tiles = tiles.map((tile) => (tile.id === who?.id ? { ...tile, lastSpokeAt: now } : tile));
      }
      const plan = planStage(input(tiles, { speaker }), memory);
      expect(moved(memory.order, plan.memory.order)).toBeLessThanOrEqual(2);
      expect(new Set(plan.memory.order).size).toBe(tiles.length);
      memory = plan.memory;
    }
  });

  it('gives the same pages whichever page is looked at', () => {
    const tiles = people(25);
    const first = planStage(input(tiles), emptyStageMemory);
    const seen = new Set<string>();
    for (let page = 0; page < first.pageCount; page += 1) {
      const plan = planStage(input(tiles, { page }), first.memory);
      for (const tile of plan.placed) seen.add(tile.id);
      expect(plan.memory.order).toEqual(first.memory.order);
    }
    expect(seen.size).toBe(25);
  });

  it('falls back to the last page when the one looked at is gone', () => {
    const plan = planStage(input(people(4), { page: 5 }), emptyStageMemory);
    expect(plan.page).toBe(0);
    expect(plan.pageCount).toBe(1);
  });
});

describe('the speaker is always on screen', () => {
  it('in every layout, on every page, with and without a share or a pin', () => {
    const random = seeded(11);
    for (let round = 0; round < 600; round += 1) {
      const tiles = people(3 + Math.floor(random() * 30));
      if (random() < 0.3) tiles.push(share('p1'));
      const speaker = `p${Math.floor(random() * (tiles.filter((t) => t.source === 'camera').length - 1))}`;
      const plan = planStage(
        input(tiles, {
          speaker,
          page: Math.floor(random() * 4),
          choice: (['auto', 'grid', 'speaker'] as const)[Math.floor(random() * 3)] ?? 'auto',
          pinned: random() < 0.3 ? cameraTileId('p0') : null,
          selfView: (['tile', 'float', 'hidden'] as const)[Math.floor(random() * 3)] ?? 'tile',
          hideStrip: random() < 0.2,
          area: random() < 0.4 ? { width: 360, height: 600 } : area,
        }),
        emptyStageMemory,
      );
      expect(plan.placed.map((tile) => tile.id)).toContain(cameraTileId(speaker));
    }
  });
});

describe('arrangements', () => {
  it('alone shows only a small self view beside the invitation', () => {
    const plan = planStage(input([person('me')]), emptyStageMemory);
    expect(plan.arrangement).toBe('alone');
    expect(plan.placed.map((tile) => tile.role)).toEqual(['float']);
  });

  it('one to one gives the other the whole stage and me a corner', () => {
    const plan = planStage(input(people(2)), emptyStageMemory);
    expect(plan.arrangement).toBe('one-to-one');
    expect(plan.placed[0]).toMatchObject({ id: cameraTileId('p0'), role: 'main' });
    expect(plan.placed[0]?.rect).toMatchObject(area);
    expect(plan.placed[1]).toMatchObject({ id: cameraTileId('me'), role: 'float' });
  });

  it('a share takes the stage and no amount of speech displaces it', () => {
    const tiles = [...people(6), share('p2')];
    for (const speaker of [null, 'p0', 'p4']) {
      for (const choice of ['auto', 'speaker'] as const) {
        const plan = planStage(input(tiles, { speaker, choice }), emptyStageMemory);
        expect(plan.arrangement).toBe('share');
        expect(plan.placed[0]?.id).toBe(screenTileId('p2'));
      }
    }
  });

  it('with two shares the other one is in the strip and a pin selects it', () => {
    const tiles = [...people(4), share('p0'), share('p1')];
    const plan = planStage(input(tiles), emptyStageMemory);
    expect(plan.placed.map((tile) => tile.id)).toContain(screenTileId('p1'));
    const pinned = planStage(input(tiles, { pinned: screenTileId('p1') }), plan.memory);
    expect(pinned.placed[0]).toMatchObject({ id: screenTileId('p1'), role: 'main' });
  });

  it('does not show presenters their own share unless they pin it', () => {
    const tiles = [...people(3), share('me')];
    const plan = planStage(input(tiles), emptyStageMemory);
    expect(plan.placed.some((tile) => tile.id === screenTileId('me'))).toBe(false);
    const pinned = planStage(input(tiles, { pinned: screenTileId('me') }), emptyStageMemory);
    expect(pinned.placed[0]?.id).toBe(screenTileId('me'));
  });

  it('a pin is dropped from view when its tile is gone, not from memory of the others', () => {
    const plan = planStage(input(people(5), { pinned: cameraTileId('gone') }), emptyStageMemory);
    expect(plan.arrangement).toBe('grid');
    expect(plan.placed).toHaveLength(5);
  });

  it('can hide people without a picture, but never a raised hand', () => {
    const tiles = people(5).map((tile, index) => ({
      ...tile,
      hasVideo: index < 3,
      handRaised: index === 4,
    }));
    const plan = planStage(input(tiles, { hideWithoutVideo: true }), emptyStageMemory);
    expect(plan.placed.map((tile) => tile.id)).toEqual([
      cameraTileId('me'),
      cameraTileId('p0'),
      cameraTileId('p1'),
      cameraTileId('p3'),
    ]);
  });

  it('the self view can float or be hidden in any layout', () => {
    for (const choice of ['grid', 'speaker'] as const) {
      const floating = planStage(input(people(5), { choice, selfView: 'float' }), emptyStageMemory);
      expect(floating.placed.find((tile) => tile.id === cameraTileId('me'))?.role).toBe('float');
      const hidden = planStage(input(people(5), { choice, selfView: 'hidden' }), emptyStageMemory);
      expect(hidden.placed.some((tile) => tile.id === cameraTileId('me'))).toBe(false);
    }
  });

  it('keeps every picture inside the stage on any screen', () => {
    const random = seeded(23);
    for (let round = 0; round < 600; round += 1) {
      const size = { width: 300 + random() * 1700, height: 240 + random() * 1000 };
      const tiles = people(1 + Math.floor(random() * 30));
      if (random() < 0.3 && tiles.length > 1) tiles.push(share('p0'));
      const plan = planStage(
        input(tiles, {
          area: size,
          choice: random() < 0.5 ? 'auto' : 'speaker',
          selfView: random() < 0.5 ? 'tile' : 'float',
          speaker: tiles.length > 1 ? 'p0' : null,
        }),
        emptyStageMemory,
      );
      for (const { rect } of plan.placed) {
        expect(rect.width).toBeGreaterThan(0);
        expect(rect.height).toBeGreaterThan(0);
        expect(rect.x).toBeGreaterThanOrEqual(-1);
        expect(rect.y).toBeGreaterThanOrEqual(-1);
        expect(rect.x + rect.width).toBeLessThanOrEqual(size.width + 1);
        expect(rect.y + rect.height).toBeLessThanOrEqual(size.height + 1);
      }
    }
  });
});
