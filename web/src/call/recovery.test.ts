import { describe, expect, it } from 'vitest';
import {
  type RecoveryEvent,
  type RecoveryState,
  recover,
  retryDelayMs,
  showsBanner,
} from './recovery';

const live: RecoveryState = { phase: 'live' };

function play(start: RecoveryState, events: readonly (readonly [number, RecoveryEvent])[]) {
  return events.reduce((state, [now, event]) => recover(state, event, now), start);
}

describe('recovery', () => {
  it('shows nothing for a signalling blip of up to five seconds', () => {
    const blip = play(live, [[1000, { kind: 'signal-lost' }]]);
    expect(blip).toEqual({ phase: 'blip', since: 1000 });
    expect(showsBanner(blip, 5_900)).toBe(false);
    expect(showsBanner(blip, 6_000)).toBe(true);
    expect(recover(blip, { kind: 'restored' }, 5_000)).toEqual(live);
  });

  it('tells of a real loss at once', () => {
    const lost = play(live, [[0, { kind: 'media-lost' }]]);
    expect(showsBanner(lost, 0)).toBe(true);
  });

  it('rebuilds at once when the SDK gives up without a reason', () => {
    const state = play(live, [
      [0, { kind: 'signal-lost' }],
      [50_000, { kind: 'closed', end: null }],
    ]);
    expect(state).toEqual({ phase: 'rebuilding', since: 0, attempt: 0, retryAt: 50_000 });
  });

  it('keeps rebuilding for ten minutes and then gives up', () => {
    let state = recover(live, { kind: 'closed', end: null }, 0);
    let now = 0;
    let attempts = 0;
    while (state.phase === 'rebuilding') {
      now = state.retryAt;
      attempts += 1;
      state = recover(state, { kind: 'attempt-failed', end: null }, now);
    }
    expect(state).toEqual({ phase: 'ended', reason: 'connection_lost' });
    expect(now).toBeGreaterThanOrEqual(600_000);
    expect(now).toBeLessThan(615_000);
    expect(attempts).toBeGreaterThan(50);
  });

  it('tries again as soon as the network is back', () => {
    const state = play(live, [
      [0, { kind: 'closed', end: null }],
      [0, { kind: 'attempt-failed', end: null }],
      [100, { kind: 'online' }],
    ]);
    expect(state).toMatchObject({ phase: 'rebuilding', retryAt: 100 });
  });

  it('does not fight a removal, a closed room or another tab', () => {
    for (const end of ['removed', 'ended', 'duplicate'] as const) {
      expect(recover(live, { kind: 'closed', end }, 0)).toEqual({ phase: 'ended', reason: end });
    }
  });

  it('stops rebuilding when the answer is final', () => {
    const state = play(live, [
      [0, { kind: 'closed', end: null }],
      [10, { kind: 'attempt-failed', end: 'full' }],
    ]);
    expect(state).toEqual({ phase: 'ended', reason: 'full' });
  });

  it('ignores the closing of a room it has given up already', () => {
    const state = play(live, [
      [0, { kind: 'closed', end: null }],
      [0, { kind: 'attempt-failed', end: null }],
    ]);
    expect(recover(state, { kind: 'closed', end: null }, 5)).toEqual(state);
  });

  it('stays ended', () => {
    const left = recover(live, { kind: 'left' }, 0);
    expect(recover(left, { kind: 'connected' }, 1)).toEqual(left);
    expect(recover(left, { kind: 'closed', end: null }, 1)).toEqual(left);
  });

  it('retries a first join that finds no network', () => {
    const joining: RecoveryState = { phase: 'joining', since: 0 };
    expect(recover(joining, { kind: 'attempt-failed', end: null }, 200)).toMatchObject({
      phase: 'rebuilding',
      since: 0,
      attempt: 1,
    });
  });

  it('spaces retries out, never beyond six and a quarter seconds', () => {
    for (let attempt = 1; attempt < 40; attempt += 1) {
      expect(retryDelayMs(attempt, 0)).toBeLessThanOrEqual(retryDelayMs(attempt + 1, 0));
      expect(retryDelayMs(attempt, 0.999)).toBeLessThanOrEqual(6_250);
    }
  });
});
