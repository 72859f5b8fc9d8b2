/**
 * Who this tab is in a room: the last token, kept for the tab's life, so that a reload or a rejoin is the same person.
 *
 * Duplicating a tab copies its session storage, and two tabs must not be one person. A lock named after the tab's
 * token tells the original from the copy.
 */

const keyOf = (room: string) => `tertulia.token.${room.toLowerCase()}`;

/** The token of the last visit to a room in this tab. */
export async function previousToken(room: string): Promise<string | null> {
  let token: string | null;
  try {
    token = sessionStorage.getItem(keyOf(room));
  } catch {
    return null;
  }
  if (token === null || held.has(token)) return token;
  return (await holdToken(token)) ? token : null;
}

/** Remembers the token of this visit. */
export async function rememberToken(room: string, token: string): Promise<void> {
  try {
    sessionStorage.setItem(keyOf(room), token);
  } catch {
    // Storage is closed to us: a reload will then be a new person.
  }
  await holdToken(token);
}

const held = new Set<string>();

/** Takes the lock of a token for as long as the page lives; false if another tab has it. */
function holdToken(token: string): Promise<boolean> {
  const locks = (navigator as { locks?: LockManager }).locks;
  // Only secure pages have locks. Without them a copied tab is taken for the original.
  if (!locks || held.has(token)) return Promise.resolve(true);
  return new Promise((resolve) => {
    locks
      .request(`tertulia:${token}`, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        if (!lock) return undefined;
        held.add(token);
        return new Promise<never>(() => undefined);
      })
      .catch(() => resolve(true));
  });
}
