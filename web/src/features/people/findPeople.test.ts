import { describe, expect, it } from 'vitest';
import type { ParticipantView } from '../../call/model';
import { findPeople } from './findPeople';

const people = ['Ana Muñoz', 'Łukasz', 'José Ana'].map((name) => ({ name }) as ParticipantView);
const names = (wanted: string) => findPeople(people, wanted).map(({ name }) => name);

describe('findPeople', () => {
  it('takes no notice of case, accents or the order of words', () => {
    expect(names('munoz')).toEqual(['Ana Muñoz']);
    expect(names('ana jose')).toEqual(['José Ana']);
    expect(names('  ')).toHaveLength(3);
    expect(names('nobody')).toEqual([]);
  });
});
