import i18next from 'i18next';
import account from '../../i18n/locales/en/account.json';

// Imported for its effect by the pages that show these texts, as in englishLater.ts.
const add = () => i18next.addResourceBundle('en', 'account', account);

if (i18next.isInitialized) add();
i18next.on('initialized', add);
