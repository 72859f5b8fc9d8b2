import type { Language } from '../../../i18n';
import english from './en';

/** Builds a word pair of a language; `pick` chooses one of a list. */
export type WordPair = (pick: <T>(list: readonly T[]) => T) => string;

export { english };

const loaders: Record<Exclude<Language, 'en'>, () => Promise<{ default: WordPair }>> = {
  es: () => import('./es'),
  ru: () => import('./ru'),
  de: () => import('./de'),
};

/** The words of a language; the English ones where those cannot be had. */
export async function wordsOf(language: Language): Promise<WordPair> {
  if (language === 'en') return english;
  try {
    return (await loaders[language]()).default;
  } catch {
    return english;
  }
}

/** A whole number below `limit`, as good as the browser's cryptography. */
export function randomBelow(limit: number): number {
  const most = Math.floor(2 ** 32 / limit) * limit;
  const draw = new Uint32Array(1);
  do crypto.getRandomValues(draw);
  while ((draw[0] ?? 0) >= most);
  return (draw[0] ?? 0) % limit;
}

/** Suggests a room name: two friendly words and four digits, easy to say and not easily guessed. */
export function suggestRoomName(words: WordPair, below = randomBelow): string {
  const pick = <T>(list: readonly T[]): T => {
    const choice = list[below(list.length)];
    if (choice === undefined) throw new RangeError('cannot pick from an empty list');
    return choice;
  };
  return `${words(pick)}-${1000 + below(9000)}`;
}
