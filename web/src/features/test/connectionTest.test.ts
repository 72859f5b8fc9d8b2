import { describe, expect, it } from 'vitest';
import { relaysOf, verdictOf } from './connectionTest';

describe('the connection test', () => {
  it('sorts relays by how they are reached', () => {
    const urls = [
      'stun:m.example:10000',
      'turn:m.example:10000?transport=udp',
      'turn:m.example:443?transport=tcp',
      'turns:m.example:443?transport=tcp',
    ];
    const relays = relaysOf([{ urls, username: 'u', credential: 'c' }]);
    expect(Object.values(relays).map((relay) => relay.urls)).toEqual(urls.slice(1));
    expect(relaysOf([])).toEqual({});
  });

  it('says what to expect of a call', () => {
    const ok = { state: 'ok', milliseconds: 9 } as const;
    const failed = { state: 'failed', reason: 'timeout' } as const;
    expect(verdictOf({})).toBeUndefined();
    expect(verdictOf({ server: failed })).toBe('no_server');
    expect(verdictOf({ server: ok, signalling: failed })).toBe('no_signalling');
    expect(verdictOf({ server: ok, signalling: ok, media: failed })).toBe('no_media');
    expect(verdictOf({ server: ok, signalling: ok, media: { ...ok, way: 'udp' } })).toBe('good');
    expect(verdictOf({ server: ok, signalling: ok, media: { ...ok, way: 'relayTls' } })).toBe(
      'detour',
    );
  });
});
