import i18next from 'i18next';
import call from './locales/en/call.json';
import callErrors from './locales/en/callErrors.json';
import settings from './locales/en/settings.json';

// Imported for its effect, by the lazy chunks that show these texts: keeps them out of the first screens' script.
function add(): void {
  i18next.addResourceBundle('en', 'call', call);
  // What only a call meets, beside those of the first screens.
  i18next.addResourceBundle('en', 'errors', callErrors, true);
  i18next.addResourceBundle('en', 'settings', settings);
}

if (i18next.isInitialized) add();
// Starting the translations anew, as each test does, begins from the texts of the first screens.
i18next.on('initialized', add);
