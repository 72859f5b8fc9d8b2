import type { Schedule } from '../../api/account';

/** When a room meets, in the words of a language and at this place's time. */
export function whenOf({ startsAt, durationMin }: Schedule, language: string): string {
  const begin = new Date(startsAt);
  const end = new Date(startsAt + durationMin * 60_000);
  const format = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'short' });
  return format.formatRange(begin, end);
}

/** A time as a field for date and time shows it: at this place's time, to the minute. */
export function toField(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** What such a field says; `null` where it says nothing. */
export function fromField(text: string): number | null {
  const ms = new Date(text).getTime();
  return Number.isNaN(ms) ? null : ms;
}

/** The next full hour. */
export function nextHour(now: number): number {
  const hour = 3_600_000;
  return Math.ceil((now + 1) / hour) * hour;
}
