import { ApiError } from '../../api';
import { type FileDoor, sendFile } from '../../call/upload';

/** Pictures that are only ever pictures: a drawing in SVG may hold more. */
export const pictureTypes = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'] as const;
export type PictureType = (typeof pictureTypes)[number];

/** A picture as the canvas keeps it. */
export interface Picture {
  id: string;
  mimeType: PictureType;
  dataURL: string;
}

/** What is known here of an element that may be a picture. */
export interface MaybePicture {
  type?: string;
  fileId?: string | null;
  isDeleted: boolean;
}

/** How often a picture is asked for that does not come. */
const attempts = 3;

/** What a picture is, by its first bytes. */
export function pictureType(bytes: Uint8Array): PictureType | null {
  const begins = (text: string, at = 0) =>
    [...text].every((character, index) => bytes[at + index] === character.charCodeAt(0));
  if (begins('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (begins('\xff\xd8\xff')) return 'image/jpeg';
  if (begins('GIF8')) return 'image/gif';
  if (begins('RIFF') && begins('WEBP', 8)) return 'image/webp';
  return null;
}

/** Puts a picture into the room's files and gives its id there. */
export async function storePicture(door: FileDoor, file: File): Promise<string> {
  const type = pictureType(new Uint8Array(await file.slice(0, 16).arrayBuffer()));
  if (type === null) throw new ApiError('invalid_request', 415, 'this is no picture');
  const ending = type.slice('image/'.length).replace('jpeg', 'jpg');
  // The name says what it is, whatever it was called before.
  const named = new File([file], `board.${ending}`, { type });
  return sendFile(door, named, () => undefined, new AbortController().signal);
}

/** Fetches the pictures of a whiteboard from the room's files, each once. Nothing is looked for elsewhere. */
export class Pictures {
  private readonly asked = new Map<string, number>();

  constructor(
    private readonly door: FileDoor,
    private readonly has: (id: string) => boolean,
    private readonly show: (picture: Picture) => void,
  ) {}

  look(elements: readonly MaybePicture[]): void {
    for (const { type, fileId, isDeleted } of elements) {
      if (type !== 'image' || !fileId || isDeleted || this.has(fileId)) continue;
      const before = this.asked.get(fileId) ?? 0;
      if (before >= attempts) continue;
      this.asked.set(fileId, attempts);
      this.fetch(fileId).then(this.show, () => this.asked.set(fileId, before + 1));
    }
  }

  private async fetch(id: string): Promise<Picture> {
    const asked = await this.door.command('POST', `files/${encodeURIComponent(id)}/link`);
    const { url } = (await asked.json()) as { url: string };
    if (!url.startsWith('/api/')) throw new Error('a file lies with the server');
    const answer = await fetch(url, { credentials: 'same-origin' });
    if (!answer.ok) throw new Error(`the picture is answered ${answer.status}`);
    const bytes = await answer.arrayBuffer();
    const mimeType = pictureType(new Uint8Array(bytes));
    if (mimeType === null) throw new Error('this is no picture');
    return { id, mimeType, dataURL: await dataOf(new Blob([bytes], { type: mimeType })) };
  }
}

function dataOf(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
