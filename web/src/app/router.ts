import { useSyncExternalStore } from 'react';

/** Where the page stands. */
export type Route =
  | { screen: 'home' }
  | { screen: 'test' }
  | { screen: 'room'; room: string }
  | { screen: 'not_found'; path: string };

/** Reads a path. */
export function parseRoute(pathname: string): Route {
  const path = pathname.replace(/^\/+|\/+$/g, '');
  if (path === '') return { screen: 'home' };
  if (path === 'test') return { screen: 'test' };
  if (path.includes('/')) return { screen: 'not_found', path: pathname };
  try {
    return { screen: 'room', room: decodeURIComponent(path) };
  } catch {
    return { screen: 'not_found', path: pathname };
  }
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
    navigate(link.pathname);
    window.scrollTo(0, 0);
  };
  document.addEventListener('click', onClick);
  return () => document.removeEventListener('click', onClick);
}
