const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

/** Writes how long ago something was, in words of a language. */
export function timeAgo(at: number, now: number, language: string): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  const past = Math.max(0, now - at);
  for (const [unit, size] of units) {
    if (past >= size) return format.format(-Math.floor(past / size), unit);
  }
  return format.format(0, 'second');
}
