import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { type Language, languages, usePreferences } from '../media/preferences';
import en from './locales/en/first';

export { type Language, languages };

/** Each language in its own name. */
export const languageNames: Record<Language, string> = {
  en: 'English',
  es: 'Español',
  ru: 'Русский',
  de: 'Deutsch',
};

const loaders: Record<Exclude<Language, 'en'>, () => Promise<{ default: unknown }>> = {
  es: () => import('./locales/es'),
  ru: () => import('./locales/ru'),
  de: () => import('./locales/de'),
};

/** Picks the language: the stored choice, else the first of the browser's that we speak, else English. */
export function chooseLanguage(stored: Language | null, wished: readonly string[]): Language {
  if (stored && languages.includes(stored)) return stored;
  for (const tag of wished) {
    const base = tag.toLowerCase().split('-')[0];
    const match = languages.find((language) => language === base);
    if (match) return match;
  }
  return 'en';
}

async function load(language: Language): Promise<void> {
  if (language === 'en' || i18next.hasResourceBundle(language, 'common')) return;
  const { default: bundle } = await loaders[language]();
  for (const [namespace, texts] of Object.entries(bundle as Record<string, object>)) {
    i18next.addResourceBundle(language, namespace, texts);
  }
}

async function show(language: Language): Promise<void> {
  await load(language);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

/** Starts the translations. English is at hand at once; another language is fetched before the first paint. */
export async function startTranslations(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    resources: { en },
    ns: [...Object.keys(en), 'call', 'settings', 'test', 'account'],
    defaultNS: 'common',
    interpolation: { escapeValue: false },
    react: { useSuspense: false },
  });
  const { language } = usePreferences.getState();
  try {
    await show(chooseLanguage(language, navigator.languages));
  } catch {
    // The file of the language did not arrive. English is shown; the choice stays for next time.
    document.documentElement.lang = 'en';
  }
}

/** Changes the language of the whole page without a reload, and remembers it. Rejects if it cannot be fetched. */
export async function setLanguage(language: Language): Promise<void> {
  await show(language);
  usePreferences.getState().set({ language });
}
