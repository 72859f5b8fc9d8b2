import { describe, expect, it } from 'vitest';
import { PresenceWatch } from './presence';

const person = (identity: string) => ({ identity, name: identity.toUpperCase() });

describe('PresenceWatch', () => {
  it('does not announce the company one finds', () => {
    const watch = new PresenceWatch();
    expect(watch.see([person('ana'), person('ben')])).toBe(false);
    expect(watch.take()).toEqual({ joined: [], left: [] });
  });

  it('gathers who comes and goes', () => {
    const watch = new PresenceWatch();
    watch.see([person('ana')]);
    watch.see([person('ana'), person('ben')]);
    watch.see([person('ben'), person('cho')]);
    expect(watch.take()).toEqual({ joined: ['BEN', 'CHO'], left: ['ANA'] });
    expect(watch.take()).toEqual({ joined: [], left: [] });
  });

  it('says nothing of someone who is back before anyone was told', () => {
    const watch = new PresenceWatch();
    watch.see([person('ana')]);
    watch.see([]);
    watch.see([person('ana')]);
    expect(watch.take()).toEqual({ joined: [], left: [] });
  });

  it('takes whoever is there after a lost connection as company again', () => {
    const watch = new PresenceWatch();
    watch.see([person('ana')]);
    watch.forget();
    expect(watch.see([person('ben')])).toBe(false);
  });
});
