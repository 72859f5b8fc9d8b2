import { beforeEach, describe, expect, it, vi } from 'vitest';
import { keepBehindHash, restoreBehindHash, takeBehindHash } from './behindHash';

describe('what stands behind the # of a link', () => {
  beforeEach(() => {
    sessionStorage.clear();
    window.history.replaceState(null, '', '/');
  });

  it('comes back with its room, once', () => {
    keepBehindHash('Été', '#key=abc');
    window.history.replaceState(null, '', '/%C3%89t%C3%A9?debug');
    restoreBehindHash();
    expect(window.location.hash).toBe('#key=abc');
    expect(window.location.search).toBe('?debug');
    expect(takeBehindHash('Été')).toBe('');
  });

  it('stays away from other rooms, and from an address that has something of its own', () => {
    keepBehindHash('One', '#key=abc');
    for (const address of ['/Two', '/One#key=other', '/login?to=One', '/%FF']) {
      window.history.replaceState(null, '', address);
      restoreBehindHash();
      expect(`${location.pathname}${location.search}${location.hash}`).toBe(address);
    }
    expect(takeBehindHash('One')).toBe('#key=abc');
  });

  it('is forgotten after a while, and with a link that has none', () => {
    keepBehindHash('One', '#key=abc');
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 16 * 60_000);
    expect(takeBehindHash('One')).toBe('');
    vi.restoreAllMocks();
    keepBehindHash('One', '#key=abc');
    keepBehindHash('One', '');
    expect(takeBehindHash('One')).toBe('');
  });
});
