import { readFile } from 'node:fs/promises';
import { expect, test } from './support/meeting';
import { type Person, SOON } from './support/person';

const pdf = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(300_000, 'tertulia ')]);

/** One message as somebody has it on the screen. */
function message(person: Person, text: string) {
  return person.page.getByTestId('message').filter({ hasText: text }).first();
}

/** Does something with a message by its menu. */
async function act(person: Person, text: string, line: string): Promise<void> {
  await message(person, text).getByRole('button', { name: 'What to do with' }).click();
  await person.page.getByRole('menuitem', { name: line }).click();
}

test('messages are answered, changed, liked and taken back', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana', devices: 'none' });
  await ana.join(room);
  const boris = await arrive({ name: 'Boris', devices: 'none' });
  await boris.join(room);

  await ana.say('see **this** and `that`: https://example.org/a?b=1');
  await boris.reads('this');
  const link = boris.page.getByRole('link', { name: 'https://example.org/a?b=1' });
  expect(await link.getAttribute('rel')).toContain('noopener');
  expect(await boris.page.locator('strong', { hasText: 'this' }).count()).toBe(1);

  await act(boris, 'and that', 'Reply');
  await boris.say('I have sen it');
  await expect
    .poll(() => message(ana, 'I have sen it').locator('blockquote').textContent(), {
      timeout: SOON,
    })
    .toContain('Ana see this');
  await act(boris, 'I have sen it', 'Change');
  const field = boris.page.getByRole('textbox', { name: 'Message' });
  await field.fill('');
  await boris.say('I have seen it');
  await message(ana, 'I have seen it').getByText('changed').waitFor({ timeout: SOON });

  await act(ana, 'I have seen it', 'Heart');
  const heart = message(boris, 'I have seen it').getByRole('button', { name: 'Heart: 1' });
  await heart.waitFor({ timeout: SOON });
  await heart.click();
  const both = message(ana, 'I have seen it').getByRole('button', { name: 'Heart: 2' });
  await both.waitFor({ timeout: SOON });
  await both.click();
  await heart.waitFor({ timeout: SOON });

  await act(ana, 'I have seen it', 'Delete');
  await boris.finds('Message deleted');
  expect(await boris.page.getByText('I have seen it').count()).toBe(0);
});

test('what was said is found again by its words, and can be taken along', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana', devices: 'none' });
  await ana.join(room);
  await ana.say('The soup was excellent');
  await ana.say('The bread less so');
  await ana.reads('The bread less so');
  await ana.button('Search the chat').click();
  const words = ana.page.getByRole('searchbox', { name: 'Search the chat' });
  await words.fill('SOUP');
  await words.press('Enter');
  await ana.finds('1 message found');
  await ana.page.getByRole('listitem').filter({ hasText: 'The soup was excellent' }).waitFor();
  expect(await ana.page.getByText('The bread less so').count()).toBe(0);
  const downloads = ana.page.waitForEvent('download', { timeout: SOON });
  await ana.button('Download the chat').click();
  const download = await downloads;
  expect(download.suggestedFilename()).toBe(`${room}.txt`);
  const text = await readFile(await download.path(), 'utf8');
  expect(text).toContain('The soup was excellent');
  expect(text).toContain('The bread less so');
  await ana.button('Search the chat').click();
  await ana.reads('The bread less so');
});

test('a private message is for one person, and looks it', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana', devices: 'none' });
  await ana.join(room);
  const boris = await arrive({ name: 'Boris', devices: 'none' });
  await boris.join(room);
  const chloe = await arrive({ name: 'Chloe', devices: 'none' });
  await chloe.join(room);
  await ana.waitForOthers(2);

  await ana.openPanel('Chat');
  await ana.page.getByRole('combobox', { name: 'To', exact: true }).selectOption('Only to Boris');
  const field = ana.page.getByRole('textbox', { name: 'Message' });
  expect(await field.getAttribute('placeholder')).toBe('Write to Boris alone');
  await ana.say('between us');
  await boris.reads('between us');
  await message(boris, 'between us').getByText('only to you').waitFor();
  await act(boris, 'between us', 'Write to Ana alone');
  await boris.say('of course');
  await ana.reads('of course');
  await ana.page.getByRole('combobox', { name: 'To', exact: true }).selectOption('Everybody');
  await ana.say('to all');
  await chloe.reads('to all');
  expect(await chloe.page.getByText('between us').count()).toBe(0);
  expect(await chloe.page.getByText('of course').count()).toBe(0);
});

test('a file is sent, shown to everybody and fetched as it was; another is stopped on its way', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana', devices: 'none' });
  await ana.join(room);
  const boris = await arrive({ name: 'Boris', devices: 'none' });
  await boris.join(room);
  await ana.openPanel('Chat');
  const chooser = ana.page.locator('input[type=file]');
  await chooser.setInputFiles({ name: 'minutes.pdf', mimeType: 'application/pdf', buffer: pdf });
  const attached = (person: Person) => person.page.getByRole('button', { name: 'minutes.pdf' });
  await attached(ana).waitFor({ timeout: SOON });
  await boris.openPanel('Chat');
  await attached(boris).waitFor({ timeout: SOON });
  const downloads = boris.page.waitForEvent('download', { timeout: SOON });
  await attached(boris).click();
  const download = await downloads;
  expect(download.suggestedFilename()).toBe('minutes.pdf');
  expect((await readFile(await download.path())).equals(pdf)).toBe(true);

  // Pieces that are held back, so that there is something to stop.
  let held = 0;
  await ana.page.route(/\/files\/[^/]+$/, async (route) => {
    held += route.request().method() === 'PATCH' ? 1 : 0;
    if (held <= 1) await route.continue();
  });
  await chooser.setInputFiles({
    name: 'large.pdf',
    mimeType: 'application/pdf',
    buffer: Buffer.concat([pdf, Buffer.alloc(3_000_000, 'a')]),
  });
  const progress = ana.page.getByRole('progressbar', { name: 'Sending large.pdf' });
  await expect
    .poll(async () => Number(await progress.getAttribute('value')), { timeout: SOON })
    .toBeGreaterThan(0.2);
  await ana.button('Stop sending').click();
  await progress.waitFor({ state: 'detached', timeout: SOON });
  expect(await boris.page.getByRole('button', { name: 'large.pdf' }).count()).toBe(0);
  await ana.page.unrouteAll({ behavior: 'ignoreErrors' });

  await chooser.setInputFiles({
    name: 'picture.pdf',
    mimeType: 'application/pdf',
    buffer: Buffer.from('MZ this is a program'),
  });
  await ana.finds('The server does not take files of this kind.');
});
