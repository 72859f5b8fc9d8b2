import { describe, expect, it } from 'vitest';
import { signInLeadsTo } from './signInLeadsTo';

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
