import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './ui/tokens.css';
import './ui/base.css';
import { restoreBehindHash } from './api/behindHash';
import { loadBrand } from './api/brand';
import { App } from './app/App';
import { applyOverrides } from './app/overrides';
import { startTheme } from './app/theme';
import { startBridge } from './features/embed/bridge';
import { startTranslations } from './i18n';
import { nameApp } from './ui';

restoreBehindHash();
startTheme();
applyOverrides();
startBridge();
const [brand] = await Promise.all([loadBrand(), startTranslations()]);
nameApp(brand.name);
if (import.meta.env.PROD) {
  // Without it nothing but the installed app is missing.
  navigator.serviceWorker?.register('/sw.js').catch(() => undefined);
}

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
