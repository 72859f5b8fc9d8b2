// Applies the stored theme before the first paint, so that the page never flashes in the wrong one.
// It is a file of its own because the content policy allows no inline script. See src/app/theme.ts.
(() => {
  try {
    const stored = JSON.parse(localStorage.getItem('tertulia.preferences') ?? '{}');
    const theme = stored?.state?.theme;
    if (theme === 'light' || theme === 'dark' || theme === 'contrast') {
      document.documentElement.dataset.theme = theme;
    }
  } catch {
    // Storage may be blocked or damaged; the system's theme is a fine answer then.
  }
})();
