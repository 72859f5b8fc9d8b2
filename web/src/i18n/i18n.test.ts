import { describe, expect, it } from 'vitest';
import { chooseLanguage, languages } from '.';
import de from './locales/de';
import en from './locales/en';
import es from './locales/es';
import ru from './locales/ru';

const bundles: Record<string, object> = { en, es, ru, de };
const plural = /_(zero|one|two|few|many|other)$/;

/** All keys with their texts, as paths; the plural forms of one text count as one. */
function texts(bundle: object, path = ''): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [key, value] of Object.entries(bundle)) {
    const here = path ? `${path}.${key}` : key;
    if (typeof value === 'string') {
      const name = here.replace(plural, '_plural');
      found.set(name, [...(found.get(name) ?? []), value]);
    } else {
      for (const [name, list] of texts(value as object, here)) found.set(name, list);
    }
  }
  return found;
}

const placeholders = (list: readonly string[]) =>
  [...new Set(list.flatMap((text) => text.match(/\{\{\w+\}\}/g) ?? []))].sort();

describe.each(languages.filter((language) => language !== 'en'))('the texts in %s', (language) => {
  const english = texts(en);
  const own = texts(bundles[language] ?? {});

  it('are exactly those of English', () => {
    expect([...own.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it('name the same values', () => {
    for (const [key, list] of own) {
      expect([key, placeholders(list)]).toEqual([key, placeholders(english.get(key) ?? [])]);
    }
  });

  it('have every plural form that the language needs', () => {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    const flat = JSON.stringify(bundles[language]);
    for (const key of own.keys()) {
      if (!key.endsWith('_plural')) continue;
      const stem = key.split('.').at(-1)?.replace('_plural', '');
      for (const form of forms) expect(flat).toContain(`"${stem}_${form}"`);
    }
  });

  it('leave no text empty', () => {
    for (const list of own.values()) for (const text of list) expect(text.trim()).not.toBe('');
  });
});

describe('the language', () => {
  it.each([
    [null, ['de-AT', 'en'], 'de'],
    [null, ['fr-FR', 'es-MX'], 'es'],
    [null, ['fr-FR'], 'en'],
    [null, [], 'en'],
    ['ru' as const, ['de'], 'ru'],
    ['xx' as never, ['de'], 'de'],
  ])('with %s stored and %j wished is %s', (stored, wished, language) => {
    expect(chooseLanguage(stored, wished)).toBe(language);
  });
});
