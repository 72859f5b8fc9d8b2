import { describe, expect, it, vi } from 'vitest';
import { Pictures, pictureType, storePicture } from './pictures';

const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2]);
const door = { command: vi.fn(), read: vi.fn() };
const image = (fileId: string | null, isDeleted = false) => ({ type: 'image', fileId, isDeleted });

describe('pictures on the whiteboard', () => {
  it('are what is in them', () => {
    const of = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
    expect(pictureType(png)).toBe('image/png');
    expect(pictureType(of('\xff\xd8\xff\xe0'))).toBe('image/jpeg');
    expect(pictureType(of('GIF89a'))).toBe('image/gif');
    expect(pictureType(of('RIFF....WEBPVP8 '))).toBe('image/webp');
    expect(pictureType(of('<svg xmlns="http://www.w3.org/2000/svg"/>'))).toBeNull();
    expect(pictureType(of(''))).toBeNull();
  });

  it('are not stored where they are none', async () => {
    const svg = new File(['<svg/>'], 'a.png', { type: 'image/png' });
    await expect(storePicture(door, svg)).rejects.toMatchObject({ status: 415 });
    expect(door.command).not.toHaveBeenCalled();
  });

  it('are asked of the room’s files, once each, and shown', async () => {
    door.command.mockImplementation(async () => Response.json({ url: '/api/v1/files/x' }));
    vi.stubGlobal('fetch', async () => new Response(png));
    const shown: string[] = [];
    const pictures = new Pictures(
      door,
      (id) => shown.includes(id),
      ({ id, mimeType, dataURL }) => {
        expect([mimeType, dataURL.startsWith('data:image/png;base64,')]).toEqual([
          'image/png',
          true,
        ]);
        shown.push(id);
      },
    );
    const all = [
      image('f1'),
      image('f1'),
      image(null),
      image('f2', true),
      { type: 'text', isDeleted: false },
    ];
    pictures.look(all);
    pictures.look(all);
    await vi.waitFor(() => expect(shown).toEqual(['f1']));
    expect(door.command.mock.calls.map(([, path]) => path)).toEqual(['files/f1/link']);
  });

  it('that do not come are asked for a few times, and never anywhere else', async () => {
    door.command.mockReset();
    door.command.mockImplementation(async () =>
      Response.json({ url: 'https://elsewhere.example/a' }),
    );
    const fetched = vi.fn();
    vi.stubGlobal('fetch', fetched);
    const show = vi.fn();
    const pictures = new Pictures(door, () => false, show);
    for (let round = 1; round <= 5; round += 1) {
      pictures.look([image('f1')]);
      await vi.waitFor(() => expect(door.command).toHaveBeenCalledTimes(Math.min(round, 3)));
      await new Promise((resolve) => setTimeout(resolve));
    }
    expect(door.command).toHaveBeenCalledTimes(3);
    expect(fetched).not.toHaveBeenCalled();
    expect(show).not.toHaveBeenCalled();
  });
});
