import { act, render } from '@testing-library/react';
import type { ReactElement } from 'react';
import { vi } from 'vitest';
import { startTranslations } from '../i18n';
import { defaultPreferences, usePreferences } from '../media/preferences';

/** Shows a screen as the app would, in English and with untouched preferences. */
export async function show(screen: ReactElement) {
  usePreferences.getState().set(defaultPreferences);
  vi.spyOn(navigator, 'languages', 'get').mockReturnValue(['en']);
  await startTranslations();
  let shown: ReturnType<typeof render> | undefined;
  await act(async () => {
    shown = render(screen);
  });
  if (!shown) throw new Error('nothing was shown');
  return shown;
}

export interface Answer {
  status?: number;
  json: unknown;
}

/** Answers the API from a table of "METHOD path"; everything else is not found. Returns what was asked. */
export function stubApi(answers: Record<string, Answer>): { asked: string[]; bodies: unknown[] } {
  const asked: string[] = [];
  const bodies: unknown[] = [];
  vi.stubGlobal('fetch', async (path: string, init: RequestInit = {}) => {
    const key = `${init.method ?? 'GET'} ${path}`;
    asked.push(key);
    if (typeof init.body === 'string') bodies.push(JSON.parse(init.body));
    const answer = answers[key];
    return answer
      ? Response.json(answer.json, { status: answer.status ?? 200 })
      : Response.json({ error: { code: 'not_found', message: key } }, { status: 404 });
  });
  return { asked, bodies };
}
