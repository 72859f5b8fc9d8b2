import type { RemoteParticipant, RemoteTrackPublication, Room } from 'livekit-client';
import { describe, expect, it, vi } from 'vitest';
import { newSecret } from '../../api/secret';
import { ChatCipher, isSealed, sealableBytes } from './chatCipher';
import { roomKeys } from './keys';
import { Secrecy } from './Secrecy';

vi.mock('livekit-client/e2ee-worker?worker', () => ({ default: class {} }));

/** Somebody with one track, and whether that is still wanted. */
function publisher(isEncrypted: boolean) {
  const publication = {
    isEncrypted,
    isDesired: true,
    setSubscribed(on: boolean) {
      publication.isDesired = on;
    },
  };
  const trackPublications = new Map([['TR_1', publication as unknown as RemoteTrackPublication]]);
  const participant = { identity: 'mallory', trackPublications } as unknown as RemoteParticipant;
  const room = { remoteParticipants: new Map([['mallory', participant]]) } as unknown as Room;
  return { publication, participant, room };
}

describe('R13: what does not fit the call', () => {
  it('is not played where it is in the open and the call is not, and somebody says so', () => {
    const secrecy = new Secrecy(newSecret());
    const open = publisher(false);
    secrecy.judge(open.room);
    expect(open.publication.isDesired).toBe(false);
    expect(secrecy.understanding(open.participant)).toBe('open');
    const sealed = publisher(true);
    secrecy.judge(sealed.room);
    expect(sealed.publication.isDesired).toBe(true);
    expect(secrecy.understanding(sealed.participant)).toBe('same');
  });

  it('is not played where it is locked and we have no key', () => {
    const secrecy = new Secrecy(null);
    const sealed = publisher(true);
    secrecy.judge(sealed.room);
    expect(sealed.publication.isDesired).toBe(false);
    expect(secrecy.understanding(sealed.participant)).toBe('locked');
  });
});

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
