import type { ParticipantView } from '../../call/model';

/** Finds the people whose name holds every word typed, whatever the case or the accents. */
export function findPeople(
  people: readonly ParticipantView[],
  wanted: string,
): readonly ParticipantView[] {
  const words = plain(wanted).split(/\s+/).filter(Boolean);
  if (words.length === 0) return people;
  return people.filter(({ name }) => {
    const text = plain(name);
    return words.every((word) => text.includes(word));
  });
}

function plain(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}
