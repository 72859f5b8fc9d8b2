import { type Theme, usePreferences } from '../media/preferences';

const moreContrast = '(prefers-contrast: more)';

function apply(theme: Theme): void {
  const root = document.documentElement;
  if (theme !== 'system') root.dataset.theme = theme;
  else if (window.matchMedia(moreContrast).matches) root.dataset.theme = 'contrast';
  else delete root.dataset.theme;
}

/** Keeps the page in the chosen theme. `system` follows light or dark, and a wish for more contrast. */
export function startTheme(): () => void {
  const query = window.matchMedia(moreContrast);
  const update = () => apply(usePreferences.getState().theme);
  update();
  query.addEventListener('change', update);
  const unsubscribe = usePreferences.subscribe(update);
  return () => {
    query.removeEventListener('change', update);
    unsubscribe();
  };
}
