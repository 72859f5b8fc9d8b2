import { describe, expect, it } from 'vitest';
import { relaysOf, verdictOf, wayOf } from './connectionTest';

const entries = (candidate: Record<string, unknown>) => [
  { type: 'transport', id: 'T', selectedCandidatePairId: 'P2' },
  {
    type: 'candidate-pair',
    id: 'P1',
    localCandidateId: 'other',
    nominated: true,
    state: 'succeeded',
  },
  { type: 'candidate-pair', id: 'P2', localCandidateId: 'L' },
  { type: 'local-candidate', id: 'other', candidateType: 'host', protocol: 'udp' },
  { type: 'local-candidate', id: 'L', ...candidate },
];

describe('the connection test', () => {
  it.each([
    [{ candidateType: 'host', protocol: 'udp' }, 'udp'],
    [{ candidateType: 'prflx', protocol: 'tcp' }, 'tcp'],
    [{ candidateType: 'relay', protocol: 'udp', relayProtocol: 'udp' }, 'relayUdp'],
    [{ candidateType: 'relay', protocol: 'udp', relayProtocol: 'tcp' }, 'relayTcp'],
    [{ candidateType: 'relay', protocol: 'udp', relayProtocol: 'tls' }, 'relayTls'],
  ])('reads the way of %j', (candidate, way) => {
    expect(wayOf(entries(candidate))).toBe(way);
  });

  it('takes the nominated pair where no transport names one', () => {
    expect(wayOf(entries({}).slice(1))).toBe('udp');
    expect(wayOf([])).toBeUndefined();
  });

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
