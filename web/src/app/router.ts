import { useSyncExternalStore } from 'react';

/** Where the page stands. */
export type Route =
  | { screen: 'home' }
  | { screen: 'test' }
  | { screen: 'sign_in' }
  | { screen: 'rooms' }
  | { screen: 'account' }
  | { screen: 'room_form'; room: string | null }
  | { screen: 'room'; room: string }
  | { screen: 'not_found'; path: string };

/** Reads a path. */
export function parseRoute(pathname: string): Route {
  const path = pathname.replace(/^\/+|\/+$/g, '');
  if (path === '') return { screen: 'home' };
  if (path === 'test') return { screen: 'test' };
  if (path === 'login') return { screen: 'sign_in' };
  if (path === 'my') return { screen: 'rooms' };
  if (path === 'my/account') return { screen: 'account' };
  if (path === 'my/new') return { screen: 'room_form', room: null };
  const name = path.replace(/^my\/rooms\/(?=.)/, '');
  try {
    if (!name.includes('/')) {
      return { screen: name === path ? 'room' : 'room_form', room: decodeURIComponent(name) };
    }
  } catch {
    // No text that UTF-8 has.
  }
  return { screen: 'not_found', path: pathname };
}

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('popstate', listener);
  };
}

/** Goes to a path without loading the page anew. */
export function navigate(path: string, { replace = false } = {}): void {
  if (replace) window.history.replaceState(null, '', path);
  else window.history.pushState(null, '', path);
  for (const listener of listeners) listener();
}

/** The current path, kept up to date. */
export function usePathname(): string {
  return useSyncExternalStore(subscribe, () => window.location.pathname);
}

/**
 * Makes plain clicks on links within the app stay on the page. Whatever has a modifier, a target or another origin
 * is left to the browser. Returns the end of it.
 */
export function followLinks(): () => void {
  const onClick = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link?.href || link.target || link.hasAttribute('download')) return;
    if (link.origin !== window.location.origin || link.hash) return;
    event.preventDefault();
    navigate(`${link.pathname}${link.search}`);
    window.scrollTo(0, 0);
  };
  document.addEventListener('click', onClick);
  return () => document.removeEventListener('click', onClick);
}
