import { saveFile } from '../../ui';

/** Where a recording goes while it is made. */
export interface RecordingSink {
  write(piece: Blob): Promise<void>;
  /** Ends the file; where the browser kept it itself, gives it to the person as a download. */
  finish(): Promise<void>;
}

interface FileHandle {
  createWritable(): Promise<{ write(piece: Blob): Promise<void>; close(): Promise<void> }>;
  getFile(): Promise<File>;
}

declare global {
  interface Window {
    showSaveFilePicker?(options: {
      suggestedName: string;
      types: { description: string; accept: Record<string, string[]> }[];
    }): Promise<FileHandle>;
  }
}

/** Whether the person can say beforehand where the file goes. */
export function canChooseFile(): boolean {
  return typeof window.showSaveFilePicker === 'function';
}

/** Asks where to save and writes there as the recording goes; null if the person closes the question. */
export async function fileSink(name: string, type: string): Promise<RecordingSink | null> {
  const kind = type.split(';')[0] ?? type;
  const extension = `.${name.split('.').at(-1)}`;
  let handle: FileHandle | undefined;
  try {
    handle = await window.showSaveFilePicker?.({
      suggestedName: name,
      types: [{ description: kind, accept: { [kind]: [extension] } }],
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return null;
    throw error;
  }
  if (!handle) return null;
  const out = await handle.createWritable();
  return { write: (piece) => out.write(piece), finish: () => out.close() };
}

/** Writes into the browser's own storage as the recording goes, and downloads the file at the end. */
export async function storedSink(name: string): Promise<RecordingSink> {
  const folder = await navigator.storage.getDirectory();
  const handle = (await folder.getFileHandle(`recording-${crypto.randomUUID()}`, {
    create: true,
  })) as unknown as FileHandle & { name: string };
  if (typeof handle.createWritable !== 'function') {
    await folder.removeEntry(handle.name);
    return memorySink(name);
  }
  const out = await handle.createWritable();
  return {
    write: (piece) => out.write(piece),
    async finish() {
      await out.close();
      saveFile(await handle.getFile(), name);
    },
  };
}

/** Removes what earlier recordings left in the browser's storage; they have been downloaded since. */
export async function forgetStored(): Promise<void> {
  const folder = (await navigator.storage.getDirectory()) as FileSystemDirectoryHandle & {
    keys(): AsyncIterable<string>;
  };
  for await (const name of folder.keys()) {
    if (name.startsWith('recording-')) await folder.removeEntry(name).catch(() => undefined);
  }
}

function memorySink(name: string): RecordingSink {
  const pieces: Blob[] = [];
  return {
    async write(piece) {
      pieces.push(piece);
    },
    async finish() {
      saveFile(new Blob(pieces, { type: pieces[0]?.type }), name);
    },
  };
}
