import { describe, expect, it } from 'vitest';
import { newSecret } from '../../api/secret';
import { ChatCipher, isSealed, sealableBytes } from './chatCipher';
import { roomKeys } from './keys';

describe('the keys of a room', () => {
  it('are the same for everybody with the link, however the name is written', async () => {
    const secret = newSecret();
    const [one, two] = await Promise.all([roomKeys(secret, 'Weekly'), roomKeys(secret, ' weekly')]);
    expect(new Uint8Array(one.media)).toEqual(new Uint8Array(two.media));
    expect(one.phrase).toEqual(two.phrase);
  });

  it('differ with the link and with the room', async () => {
    const secret = newSecret();
    const { media } = await roomKeys(secret, 'one');
    for (const other of [await roomKeys(secret, 'two'), await roomKeys(newSecret(), 'one')]) {
      expect(new Uint8Array(other.media)).not.toEqual(new Uint8Array(media));
    }
  });
});

describe('a sealed message', () => {
  const cipher = async (room = 'room', secret = 'AAAAAAAAAAAAAAAAAAAAAA') =>
    new ChatCipher((await roomKeys(secret, room)).chat);

  it('is opened by whoever has the key, and reads as nothing before', async () => {
    const sealed = await (await cipher()).seal('Привет 👋', 'ana', 'm1');
    expect(isSealed(sealed)).toBe(true);
    expect(sealed).not.toContain('Привет');
    expect(await (await cipher()).open(sealed, 'ana', 'm1')).toBe('Привет 👋');
  });

  it('is not opened with another key, as another sender, or as another message', async () => {
    const sealed = await (await cipher()).seal('secret', 'ana', 'm1');
    expect(await (await cipher('other')).open(sealed, 'ana', 'm1')).toBeNull();
    expect(await (await cipher()).open(sealed, 'bob', 'm1')).toBeNull();
    expect(await (await cipher()).open(sealed, 'ana', 'm2')).toBeNull();
    expect(await (await cipher()).open(`${sealed.slice(0, -4)}AAAA`, 'ana', 'm1')).toBeNull();
    expect(await (await cipher()).open('\u{1F512}1:!!', 'ana', 'm1')).toBeNull();
  });

  it('fits the limit when its text fits', async () => {
    const limit = 4_000;
    const text = 'x'.repeat(sealableBytes(limit));
    const sealed = await (await cipher()).seal(text, 'ana', 'm1');
    expect([...sealed].length).toBeLessThanOrEqual(limit);
    expect([...sealed].length).toBeGreaterThan(limit - 8);
  });
});
