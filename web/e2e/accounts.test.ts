import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fits } from './support/axe';
import { expect, test } from './support/meeting';
import { type Person, SOON } from './support/person';
import { artifacts, binary, type Server } from './support/server.mjs';

const password = 'a long walk home';

/** Makes an account on the command line, beside the running server. */
async function makeAccount(server: Server, login: string): Promise<void> {
  const file = join(server.folder, 'tertulia.toml');
  const command = spawn(binary, ['account', 'add', login, '--name', 'Olga', '--config', file], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  command.stdin.end(`${password}\n`);
  const [code] = await once(command, 'exit');
  expect(code).toBe(0);
}

/** By keyboard alone: the focus stands in the first field. */
async function signIn({ page }: Person, login: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Login name' }).waitFor();
  await page.keyboard.type(login);
  await page.keyboard.press('Tab');
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'My rooms' }).waitFor({ timeout: SOON });
}

/** Says the name and asks to come in. */
async function asksToJoin(person: Person): Promise<void> {
  await person.page.getByRole('textbox', { name: 'Your name' }).fill(person.name);
  await person.button('Join meeting').click();
}

test('an owner makes a room, invites somebody, and finds them waiting', async ({
  arrive,
  server,
  room,
}) => {
  await makeAccount(server, 'olga');
  const olga = await arrive({ name: 'Olga' });
  await olga.page.goto(server.origin);
  await olga.page.getByRole('link', { name: 'My rooms' }).click();
  await olga.page.getByRole('textbox', { name: 'Login name' }).waitFor();
  await fits(olga.page);
  await signIn(olga, 'olga');
  await olga.page.getByText('You own no room yet').waitFor({ timeout: SOON });

  await olga.button('New room').click();
  await olga.page.getByRole('textbox', { name: 'Room name' }).fill(room);
  await olga.page.getByRole('textbox', { name: 'Title' }).fill('Our week');
  const access = olga.page.getByRole('combobox', { name: 'Without an invitation' });
  await access.selectOption('Only those invited');
  await olga.page.getByRole('switch', { name: 'It has a time' }).check();
  await fits(olga.page);
  await olga.button('Make room').click();
  await olga.page.getByRole('heading', { name: 'Our week' }).waitFor({ timeout: SOON });

  await olga.page.getByRole('textbox', { name: 'For whom' }).fill('Boris');
  await olga.button('Make a link').click();
  const shown = olga.page.getByRole('textbox', { name: 'The link' });
  await shown.waitFor({ timeout: SOON });
  const link = await shown.inputValue();
  await fits(olga.page);

  // Whoever has the address alone is told what would help.
  const stranger = await arrive({ name: 'Stranger' });
  await stranger.openPreJoin(room);
  await asksToJoin(stranger);
  await stranger.page.getByText('This room is by invitation').waitFor({ timeout: SOON });

  // Whoever was invited waits for the meeting to begin, and comes in when it does.
  const boris = await arrive({ name: 'Boris' });
  await boris.page.goto(link);
  await asksToJoin(boris);
  await boris.page.getByText('The meeting has not begun').waitFor({ timeout: SOON });

  await olga.page.goto(`${server.origin}/my`);
  await olga.page.getByRole('link', { name: 'Calendar file of Our week' }).waitFor();
  await fits(olga.page);
  await olga.button('Open Our week').click();
  await asksToJoin(olga);
  await olga.button('Leave').waitFor({ timeout: SOON });
  await boris.button('Leave').waitFor({ timeout: SOON });
});

test('a wrong password signs nobody in; a right one lets somebody look after their account, and delete it', async ({
  arrive,
  server,
}) => {
  await makeAccount(server, 'oleg');
  const oleg = await arrive({ name: 'Oleg' });
  await oleg.page.goto(`${server.origin}/my`);
  const login = oleg.page.getByRole('textbox', { name: 'Login name' });
  await login.fill('oleg');
  await oleg.page.getByLabel('Password').fill('not the password');
  await oleg.page.keyboard.press('Enter');
  await oleg.page.getByText('No account has this name and password').waitFor({ timeout: SOON });
  await oleg.page.goto(`${server.origin}/my`);
  await login.waitFor({ timeout: SOON });
  await signIn(oleg, 'oleg');
  await oleg.button('Sign out').click();
  await oleg.page.getByRole('link', { name: 'My rooms' }).click();
  await signIn(oleg, 'oleg');

  // Signed in elsewhere too; there they are signed out from here.
  const there = await oleg.browser.newContext();
  const elsewhere = await there.request.post(`${server.origin}/api/v1/session`, {
    data: { login: 'oleg', password },
    headers: { origin: server.origin, 'user-agent': 'Mozilla/5.0 (X11; Linux) Firefox/153.0' },
  });
  expect(elsewhere.status()).toBe(200);
  const { page } = oleg;
  await oleg.button('Account').click();
  await page.getByText('Firefox, Linux').waitFor({ timeout: SOON });
  await fits(page);
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 360],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    const path = join(artifacts, `account.${colorScheme}.${width}.png`);
    await page.screenshot({ path, fullPage: true });
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByRole('button', { name: /^End: Firefox, Linux/ }).click();
  await page.getByText('Firefox, Linux').waitFor({ state: 'hidden', timeout: SOON });
  const session = await (await there.request.get(`${server.origin}/api/v1/session`)).json();
  expect(session).toEqual({ account: null });

  // By keyboard alone: another name, then another password.
  await page.getByRole('textbox', { name: 'Your name' }).fill('Oleg Petrov');
  await page.keyboard.press('Enter');
  await page.getByText('Saved.').waitFor({ timeout: SOON });
  await page.getByLabel('Password until now').focus();
  await page.keyboard.type('not the password');
  await page.keyboard.press('Tab');
  await page.keyboard.type('a longer walk home');
  await page.keyboard.press('Enter');
  await page.getByText('That is not your password.').waitFor({ timeout: SOON });
  await page.getByLabel('Password until now').fill(password);
  await page.keyboard.press('Enter');
  await page.getByText('Your password is changed.').waitFor({ timeout: SOON });

  await oleg.button('Delete account').click();
  const asked = page.getByRole('dialog', { name: 'Delete your account?' });
  await asked.getByText('anybody may take their names').waitFor();
  await asked.getByLabel('Password').fill('a longer walk home');
  await page.keyboard.press('Enter');
  await page.getByText('Your account is deleted.').waitFor({ timeout: SOON });
  await page.goto(`${server.origin}/my`);
  await login.fill('oleg');
  await page.getByLabel('Password').fill('a longer walk home');
  await page.keyboard.press('Enter');
  await page.getByText('No account has this name and password').waitFor({ timeout: SOON });
});
