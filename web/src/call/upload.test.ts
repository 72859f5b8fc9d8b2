import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '../api';
import { type FileDoor, uploadFile } from './upload';

/** A server that keeps one file, and fails as it is told. */
function server(size: number, failures: (ApiError | null)[] = []) {
  let offset = 0;
  const asked: string[] = [];
  const state = () =>
    Response.json({ id: 'f1', offset, complete: offset >= size, chunkBytes: 8 * 1024 * 1024 });
  const door: FileDoor = {
    async command(method, path, body) {
      asked.push(`${method} ${path}`);
      // The server wants an id, so that the same file is never shown twice.
      if (path.endsWith('/share')) expect((body as { id: string }).id).toMatch(/^[\w-]+$/);
      if (method !== 'PATCH') return state();
      const failure = failures.shift();
      if (failure) throw failure;
      offset += (body as Blob).size;
      return state();
    },
    async read() {
      return state();
    },
  };
  return { door, asked };
}

const file = (size: number) => new File([new Uint8Array(size)], 'plan.pdf');
const never = new AbortController().signal;

describe('an upload', () => {
  it('goes in pieces, tells how far it is, and is shown in the chat at the end', async () => {
    const size = 2_500_000;
    const { door, asked } = server(size);
    const shares: number[] = [];
    await uploadFile(door, file(size), (share) => shares.push(share), never);
    expect(asked.filter((one) => one.startsWith('PATCH'))).toHaveLength(3);
    expect(shares.at(-1)).toBe(1);
    expect(asked.at(-1)).toBe('POST files/f1/share');
  });

  it('goes on where it stood after the network broke', async () => {
    vi.useFakeTimers();
    const { door, asked } = server(1_500_000, [null, new ApiError('network', 0, 'gone')]);
    const done = uploadFile(door, file(1_500_000), () => undefined, never);
    await vi.runAllTimersAsync();
    await done;
    vi.useRealTimers();
    expect(asked.filter((one) => one.startsWith('PATCH'))).toHaveLength(3);
  });

  it('ends at a refusal, and cleans up', async () => {
    const { door, asked } = server(10, [new ApiError('payload_too_large', 413, 'large')]);
    await expect(uploadFile(door, file(10), () => undefined, never)).rejects.toMatchObject({
      status: 413,
    });
    expect(asked.at(-1)).toBe('DELETE files/f1');
  });

  it('ends when it is cancelled', async () => {
    const stop = new AbortController();
    const { door, asked } = server(3_000_000);
    const upload = uploadFile(door, file(3_000_000), () => stop.abort(), stop.signal);
    await expect(upload).rejects.toThrow();
    expect(asked.at(-1)).toBe('DELETE files/f1');
  });
});
