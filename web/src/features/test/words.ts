import i18next from 'i18next';
import test from '../../i18n/locales/en/test.json';

// Imported for its effect by the page that shows these texts, as in englishLater.ts.
const add = () => i18next.addResourceBundle('en', 'test', test);

if (i18next.isInitialized) add();
i18next.on('initialized', add);
