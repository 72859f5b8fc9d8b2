import { readFile } from 'node:fs/promises';
import { expect, test } from './support/meeting';
import { SOON } from './support/person';

test('a recording on the own device is told to everybody, late comers too', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana' });
  const boris = await arrive({ name: 'Boris' });
  // A question of the operating system nobody here could answer: the browser keeps the file itself.
  await ana.page.addInitScript(() => Reflect.deleteProperty(window, 'showSaveFilePicker'));
  await ana.join(room);
  await boris.join(room);
  await ana.button('More').click();
  await ana.page.getByRole('menuitemcheckbox', { name: 'Record on this device' }).click();
  await ana.page.getByRole('button', { name: 'Start recording' }).click();
  await ana.page.getByText('You are recording', { exact: true }).waitFor({ timeout: SOON });
  await boris.page.getByText('Recorded by Ana', { exact: true }).first().waitFor({ timeout: SOON });

  const chloe = await arrive({ name: 'Chloe' });
  await chloe.join(room);
  await chloe.page.getByText('Recorded by Ana', { exact: true }).first().waitFor({ timeout: SOON });

  const downloads = ana.page.waitForEvent('download', { timeout: SOON });
  await ana.page.getByRole('button', { name: 'Stop', exact: true }).click();
  const download = await downloads;
  expect(download.suggestedFilename()).toMatch(new RegExp(`^${room} .*\\.webm$`));
  const file = await readFile(await download.path());
  // The mark of a Matroska file, and more than a header behind it.
  expect(file.subarray(0, 4).toString('hex')).toBe('1a45dfa3');
  expect(file.length).toBeGreaterThan(20_000);
  await boris.page.locator('[data-recorded-by]').waitFor({ state: 'detached', timeout: SOON });
});
