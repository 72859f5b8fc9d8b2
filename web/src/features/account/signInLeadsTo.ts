import { takeBehindHash } from '../../api/behindHash';

/** What may have gone wrong at the provider, as the server puts it into the address. */
export const providerProblems = ['denied', 'stale', 'refused', 'failed'] as const;

export interface ProviderProblem {
  problem: (typeof providerProblems)[number];
  reference: string | null;
}

/** What the server says of a sign-in at the provider that came to nothing. Nothing else in the address is shown. */
export function providerProblem(search = window.location.search): ProviderProblem | null {
  const said = new URLSearchParams(search);
  const problem = providerProblems.find((one) => one === said.get('problem'));
  if (!problem) return null;
  const reference = said.get('reference') ?? '';
  return { problem, reference: /^[2-9b-z]{4}-[2-9b-z]{4}$/.test(reference) ? reference : null };
}

/** The address that leads to the provider, and from there to where this sign-in leads. */
export function providerAddress(search = window.location.search): string {
  const room = new URLSearchParams(search).get('to');
  return `/api/v1/provider/sign-in${room ? `?to=${encodeURIComponent(room)}` : ''}`;
}

/**
 * Where a sign-in leads: the room that asked for it (`/login?to=Room`), with what stood behind the `#` of its link, else the
 * own rooms.
 */
export function signInLeadsTo(search = window.location.search): string {
  const room = new URLSearchParams(search).get('to');
  return room ? `/${encodeURIComponent(room)}${takeBehindHash(room)}` : '/my';
}
