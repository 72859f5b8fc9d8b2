import { describe, expect, it } from 'vitest';
import { wayOf } from './way';

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

describe('the way of the packets', () => {
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
});
