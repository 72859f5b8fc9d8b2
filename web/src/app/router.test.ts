import { describe, expect, it } from 'vitest';
import { parseRoute } from './router';

describe('an address', () => {
  it.each([
    ['/', { screen: 'home' }],
    ['', { screen: 'home' }],
    ['/test', { screen: 'test' }],
    ['/login', { screen: 'sign_in' }],
    ['/my', { screen: 'rooms' }],
    ['/my/new', { screen: 'room_form', room: null }],
    ['/my/rooms/a%20b', { screen: 'room_form', room: 'a b' }],
    ['/my/rooms/%E0%A4%A', { screen: 'not_found', path: '/my/rooms/%E0%A4%A' }],
    ['/my/rooms', { screen: 'not_found', path: '/my/rooms' }],
    ['/Weekly', { screen: 'room', room: 'Weekly' }],
    ['/Weekly/', { screen: 'room', room: 'Weekly' }],
    ['/a%20b', { screen: 'room', room: 'a b' }],
    ['/a%2Fb', { screen: 'room', room: 'a/b' }],
    ['/a/b', { screen: 'not_found', path: '/a/b' }],
    ['/%E0%A4%A', { screen: 'not_found', path: '/%E0%A4%A' }],
  ])('%j leads to its screen', (path, route) => {
    expect(parseRoute(path)).toEqual(route);
  });
});
