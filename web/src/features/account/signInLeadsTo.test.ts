import { describe, expect, it } from 'vitest';
import { providerAddress, providerProblem, signInLeadsTo } from './signInLeadsTo';

describe('a sign-in', () => {
  it.each([
    ['', '/my'],
    ['?to=', '/my'],
    ['?to=Weekly', '/Weekly'],
    // Never to another place than a room of this server.
    ['?to=%2F%2Fevil.example', '/%2F%2Fevil.example'],
    ['?to=https%3A%2F%2Fevil.example', '/https%3A%2F%2Fevil.example'],
  ])('with %j leads to %j', (search, path) => {
    expect(signInLeadsTo(search)).toBe(path);
  });
});

describe('a sign-in at the provider', () => {
  it('leads on to the room that asked for it', () => {
    expect(providerAddress('?to=Weekly%20Round&problem=stale')).toBe(
      '/api/v1/provider/sign-in?to=Weekly%20Round',
    );
    expect(providerAddress('')).toBe('/api/v1/provider/sign-in');
  });

  it.each([
    ['', null],
    ['?problem=made_up&reference=2345-bcdf', null],
    ['?problem=stale&reference=2345-bcdf', { problem: 'stale', reference: '2345-bcdf' }],
    // Nobody writes sentences onto our page by a link.
    ['?problem=failed&reference=Call%20555-1234', { problem: 'failed', reference: null }],
    ['?problem=denied', { problem: 'denied', reference: null }],
  ])('that comes back with %j says %j', (search, expected) => {
    expect(providerProblem(search)).toEqual(expected);
  });
});
