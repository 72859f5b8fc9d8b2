import { describe, expect, it, vi } from 'vitest';

async function freshPage(locks: LockManager | undefined) {
  vi.resetModules();
  vi.stubGlobal('navigator', { ...navigator, locks });
  return import('./identity');
}

/** Locks as two tabs see them: the first to ask holds for good. */
function sharedLocks() {
  const taken = new Set<string>();
  return {
    request(name: string, _options: unknown, callback: (lock: unknown) => unknown) {
      if (taken.has(name)) return Promise.resolve(callback(null));
      taken.add(name);
      callback({ name });
      return new Promise(() => undefined);
    },
  } as unknown as LockManager;
}

describe('the identity of a tab', () => {
  it('is kept over a reload', async () => {
    const before = await freshPage(sharedLocks());
    await before.rememberToken('Weekly', 'token-1');
    const after = await freshPage(sharedLocks());
    expect(await after.previousToken('weekly')).toBe('token-1');
  });

  it('is not copied into a duplicated tab', async () => {
    const locks = sharedLocks();
    const original = await freshPage(locks);
    await original.rememberToken('Weekly', 'token-1');
    const copy = await freshPage(locks);
    expect(await copy.previousToken('Weekly')).toBeNull();
    expect(await original.previousToken('Weekly')).toBe('token-1');
  });

  it('does without locks where the page is not secure', async () => {
    const page = await freshPage(undefined);
    await page.rememberToken('Weekly', 'token-1');
    expect(await page.previousToken('Weekly')).toBe('token-1');
    expect(await page.previousToken('Other')).toBeNull();
  });
});
