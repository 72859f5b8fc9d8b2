import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fits } from './support/axe';
import { expect, test } from './support/meeting';
import { type Person, SOON } from './support/person';
import { binary, type Server } from './support/server.mjs';

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

test('a wrong password says so and leaves nobody signed in', async ({ arrive, server }) => {
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
  await oleg.page.getByRole('link', { name: 'My rooms' }).waitFor({ timeout: SOON });
});
