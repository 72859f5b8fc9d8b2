import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, type ApiErrorCode } from '../../api';
import { type Board, type BoardElement, BoardSync } from './boardSync';

function element(id: string, version: number, versionNonce = 1, isDeleted = false): BoardElement {
  return { id, version, versionNonce, isDeleted };
}

/** A canvas as Excalidraw is one, and a server that says what it is told to. */
function scene() {
  let drawn = new Map<string, BoardElement>();
  const sent: { epoch: number; elements: readonly BoardElement[] }[] = [];
  const refusals: ApiErrorCode[] = [];
  const refused: ApiErrorCode[] = [];
  const server: Board = { epoch: 1, elements: [] };
  const port = {
    watch: vi.fn(async () => structuredClone(server)),
    draw: vi.fn(async (epoch: number, elements: readonly BoardElement[]) => {
      const code = refusals.shift();
      if (code) throw new ApiError(code, 0, 'no');
      sent.push({ epoch, elements });
    }),
  };
  const canvas = {
    elements: () => [...drawn.values()],
    merge(elements: readonly BoardElement[]) {
      for (const one of elements) {
        const mine = drawn.get(one.id);
        if (!mine || one.version > mine.version) drawn.set(one.id, one);
      }
    },
    reset() {
      drawn = new Map();
    },
  };
  const sync = new BoardSync(port, canvas, (code) => refused.push(code));
  const draw = (...elements: BoardElement[]) => {
    for (const one of elements) drawn.set(one.id, one);
    sync.changed();
  };
  return { server, port, canvas, sync, draw, sent, refusals, refused };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('BoardSync', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('shows what stands, and sends only what is newer', async () => {
    const { server, sync, canvas, draw, sent } = scene();
    server.elements = [element('a', 3)];
    await sync.open();
    expect(canvas.elements()).toEqual([element('a', 3)]);
    draw(element('b', 1));
    draw(element('b', 2));
    await pass(200);
    expect(sent).toEqual([{ epoch: 1, elements: [element('b', 2)] }]);
    sync.changed();
    await pass(200);
    expect(sent).toHaveLength(1);
  });

  it('does not send back what others drew, nor what was deleted before anybody saw it', async () => {
    const { sync, draw, sent } = scene();
    await sync.open();
    sync.receive({ epoch: 1, elements: [element('a', 2)] });
    draw(element('gone', 4, 1, true));
    await pass(200);
    expect(sent).toEqual([]);
    draw(element('a', 3, 1, true));
    await pass(200);
    expect(sent).toEqual([{ epoch: 1, elements: [element('a', 3, 1, true)] }]);
  });

  it('sends later what it could not send', async () => {
    const { sync, draw, sent, refusals } = scene();
    await sync.open();
    refusals.push('network', 'too_many_requests');
    draw(element('a', 1));
    await pass(10_000);
    expect(sent).toEqual([{ epoch: 1, elements: [element('a', 1)] }]);
  });

  it('begins anew where the board was cleared meanwhile', async () => {
    const { server, sync, canvas, draw, sent, refusals } = scene();
    await sync.open();
    server.epoch = 2;
    refusals.push('board_cleared');
    draw(element('old', 1));
    await pass(200);
    expect(canvas.elements()).toEqual([]);
    draw(element('new', 1));
    await pass(200);
    expect(sent).toEqual([{ epoch: 2, elements: [element('new', 1)] }]);
    sync.cleared(3);
    expect(canvas.elements()).toEqual([]);
  });

  it('says what is refused for good, and goes on', async () => {
    const { sync, draw, sent, refusals, refused } = scene();
    await sync.open();
    refusals.push('invalid_request');
    draw(element('a', 1));
    await pass(200);
    expect(refused).toEqual(['invalid_request']);
    draw(element('b', 1));
    await pass(200);
    expect(sent).toEqual([{ epoch: 1, elements: [element('b', 1)] }]);
  });

  it('brings what was drawn without a connection once there is one again', async () => {
    const { server, sync, draw, sent, port } = scene();
    port.watch.mockRejectedValueOnce(new ApiError('network', 0, 'no'));
    const opening = sync.open();
    draw(element('a', 5));
    await opening;
    server.elements = [element('a', 2)];
    await pass(10_000);
    expect(sent).toEqual([{ epoch: 1, elements: [element('a', 5)] }]);
  });

  it('notices what the canvas changes where it is, also while something is on its way', async () => {
    const { server, sync, draw, sent, port } = scene();
    const theirs = element('b', 1);
    server.elements = [theirs];
    port.watch.mockResolvedValueOnce(server);
    await sync.open();
    const mine = { ...element('a', 1) };
    port.draw.mockImplementationOnce(async (epoch, elements) => {
      sent.push({ epoch, elements });
      mine.version = 2;
    });
    draw(mine);
    await pass(1_000);
    Object.assign(theirs, { version: 2 });
    sync.changed();
    await pass(1_000);
    expect(sent.map(({ elements }) => elements)).toEqual([
      [element('a', 1)],
      [element('a', 2)],
      [element('b', 2)],
    ]);
  });

  it('sends much in several pieces, and nothing once it is stopped', async () => {
    const { sync, draw, sent } = scene();
    await sync.open();
    draw(...Array.from({ length: 450 }, (_, n) => element(`e${n}`, 1)));
    await pass(1_000);
    expect(sent.map(({ elements }) => elements.length)).toEqual([200, 200, 50]);
    draw(element('late', 1));
    sync.stop();
    await pass(1_000);
    expect(sent).toHaveLength(3);
  });
});
