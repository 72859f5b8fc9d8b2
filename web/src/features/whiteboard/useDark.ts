import { useSyncExternalStore } from 'react';
import { usePreferences } from '../../media/preferences';

const query = '(prefers-color-scheme: dark)';

/** Whether the page is dark now. */
export function useDark(): boolean {
  const theme = usePreferences((state) => state.theme);
  const system = useSyncExternalStore(
    (changed) => {
      const media = window.matchMedia(query);
      media.addEventListener('change', changed);
      return () => media.removeEventListener('change', changed);
    },
    () => window.matchMedia(query).matches,
  );
  return theme === 'system' ? system : theme === 'dark';
}
