import { describe, expect, it } from 'vitest';
import { wording } from './brand';

describe('a text of the operator', () => {
  it('is the same for everybody, or in the reader’s language, else in English, else in any', () => {
    expect(wording('Hello', 'es')).toBe('Hello');
    expect(wording({ en: 'Hello', es: 'Hola' }, 'es')).toBe('Hola');
    expect(wording({ en: 'Hello', es: 'Hola' }, 'ru')).toBe('Hello');
    expect(wording({ es: 'Hola' }, 'ru')).toBe('Hola');
    expect(wording({}, 'ru')).toBe('');
  });
});
