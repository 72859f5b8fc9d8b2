import { ApiError } from '../api';

/** How the room's API is reached; see `RoomLink`. */
export interface FileDoor {
  command(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    extra?: { headers?: Record<string, string>; signal?: AbortSignal },
  ): Promise<Response>;
  read(path: string): Promise<Response>;
}

interface FileState {
  id: string;
  offset: number;
  complete: boolean;
  chunkBytes: number;
}

/** Small enough that progress shows and little is lost when the network breaks. In bytes. */
const pieceBytes = 1024 * 1024;
const attempts = 5;
const retryMs = 1_000;

/** Uploads a file and shows it in the chat. */
export async function uploadFile(
  door: FileDoor,
  file: File,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const id = await sendFile(door, file, onProgress, signal);
  await kept(door, id, () =>
    door.command('POST', `${pathOf(id)}/share`, { id: crypto.randomUUID() }),
  );
}

/** Uploads a file and gives its id. A break is gone over: the upload goes on where it stood. */
export async function sendFile(
  door: FileDoor,
  file: File,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const begun = await door.command('POST', 'files', { name: file.name, size: file.size });
  let state = (await begun.json()) as FileState;
  const { id } = state;
  const path = pathOf(id);
  await kept(door, id, async () => {
    let failures = 0;
    while (!state.complete) {
      signal.throwIfAborted();
      const end = Math.min(file.size, state.offset + Math.min(pieceBytes, state.chunkBytes));
      try {
        const headers = { 'upload-offset': String(state.offset) };
        const piece = file.slice(state.offset, end);
        state = (await (
          await door.command('PATCH', path, piece, { headers, signal })
        ).json()) as FileState;
        failures = 0;
      } catch (error) {
        failures += 1;
        if (signal.aborted || !mayPass(error) || failures >= attempts) throw error;
        await new Promise((resolve) => setTimeout(resolve, retryMs * failures));
        state = (await (await door.read(path)).json()) as FileState;
      }
      onProgress(file.size === 0 ? 1 : state.offset / file.size);
    }
  });
  return id;
}

function pathOf(id: string): string {
  return `files/${encodeURIComponent(id)}`;
}

/** Does something with a file that is taken back if it fails. */
async function kept(door: FileDoor, id: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    // What is left of it the server deletes in time anyway.
    door.command('DELETE', pathOf(id)).catch(() => undefined);
    throw error;
  }
}

/** A broken network, a busy server and a piece that arrived unnoticed may be better the next time. */
function mayPass(error: unknown): boolean {
  return (
    error instanceof ApiError && (error.status === 0 || error.status === 409 || error.status >= 500)
  );
}
