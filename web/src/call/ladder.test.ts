import type { Room } from 'livekit-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Ladder } from './ladder';

const candidates = {
  udp: { candidateType: 'host', protocol: 'udp' },
  tcp: { candidateType: 'host', protocol: 'tcp' },
  relayTcp: { candidateType: 'relay', relayProtocol: 'tcp' },
};

/** A connected Room whose packets go by one rung. */
class Fake {
  readonly updateConfiguration = vi.fn();
  readonly engine;
  signalling: RTCSignalingState = 'stable';

  constructor(public way: keyof typeof candidates) {
    const getStats = async () =>
      new Map(
        [
          { type: 'transport', id: 'T', selectedCandidatePairId: 'P' },
          { type: 'candidate-pair', id: 'P', localCandidateId: 'L' },
          { type: 'local-candidate', id: 'L', ...candidates[this.way] },
        ].map((entry) => [entry.id, entry]),
      );
    this.engine = {
      rtcConfig: { iceTransportPolicy: 'relay' },
      peerConnectionTimeout: 0,
      latestJoinResponse: {
        iceServers: [{ urls: ['turn:m.example'], username: 'u', credential: 'c', other: 1 }],
      },
      pcManager: {
        publisher: { getStats, getSignallingState: () => this.signalling },
        updateConfiguration: this.updateConfiguration,
      },
    };
  }

  get room(): Room {
    return this as unknown as Room;
  }
}

const narrow = { rtcConfig: { iceTransportPolicy: 'relay' } };
const remembered = () => JSON.parse(localStorage.getItem('tertulia.way') ?? 'null')?.way;

async function comeBy(way: keyof typeof candidates): Promise<Ladder> {
  const ladder = new Ladder();
  ladder.options();
  await ladder.arrived(new Fake(way).room);
  return ladder;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the ladder', () => {
  it('tries every rung where nothing is known, or a better one than relays worked', async () => {
    expect(new Ladder().options()).toEqual({});
    for (const way of ['udp', 'tcp'] as const) {
      const ladder = await comeBy(way);
      expect(remembered()).toBe(way);
      expect(ladder.options()).toEqual({});
    }
  });

  it('goes to relays first where one worked, also after the page was loaded anew', async () => {
    const ladder = await comeBy('relayTcp');
    expect(ladder.options()).toMatchObject(narrow);
    expect(new Ladder().options()).toMatchObject(narrow);
  });

  it('tries everything when the relays fail, and has forgotten them', async () => {
    const ladder = await comeBy('relayTcp');
    ladder.options();
    expect(ladder.widen()).toBe(true);
    expect(ladder.options()).toEqual({});
    expect(ladder.widen()).toBe(false);
  });

  it('climbs once people hear each other, and remembers the better rung', async () => {
    const ladder = await comeBy('relayTcp');
    ladder.options();
    const fake = new Fake('relayTcp');
    await ladder.arrived(fake.room);
    fake.signalling = 'have-local-offer';
    await vi.advanceTimersByTimeAsync(10_000);
    expect(fake.updateConfiguration).not.toHaveBeenCalled();
    fake.signalling = 'stable';
    await vi.advanceTimersByTimeAsync(2_000);
    expect(fake.updateConfiguration).toHaveBeenCalledExactlyOnceWith(
      {
        iceServers: [{ urls: ['turn:m.example'], username: 'u', credential: 'c' }],
        iceTransportPolicy: 'all',
      },
      true,
    );
    expect(fake.engine.rtcConfig).toEqual({});
    fake.way = 'udp';
    await vi.advanceTimersByTimeAsync(5_000);
    expect(remembered()).toBe('udp');
    expect(ladder.options()).toEqual({});
  });

  it('stays where it is when every rung was tried, and after the call', async () => {
    const fake = new Fake('relayTcp');
    const ladder = new Ladder();
    ladder.options();
    await ladder.arrived(fake.room);
    await vi.advanceTimersByTimeAsync(60_000);
    ladder.options();
    await ladder.arrived(fake.room);
    ladder.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fake.updateConfiguration).not.toHaveBeenCalled();
  });

  it('forgets after a week, and what makes no sense', async () => {
    await comeBy('relayTcp');
    vi.setSystemTime(Date.now() + 8 * 24 * 60 * 60_000);
    expect(new Ladder().options()).toEqual({});
    for (const text of ['{', '7', 'null', '{"way":"smoke","at":1}', '{"way":"relayTls"}']) {
      localStorage.setItem('tertulia.way', text);
      expect(new Ladder().options()).toEqual({});
    }
  });
});
