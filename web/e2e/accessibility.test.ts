import { faults } from './support/axe';
import { expect, test } from './support/meeting';
import { type Person, SOON } from './support/person';

/** Checks the screen in both themes. */
async function check(person: Person, screen: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await person.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    expect(await faults(person.page), `${screen}, ${colorScheme}`).toEqual([]);
  }
}

test('home and pre-join pass axe', async ({ arrive, room, server }) => {
  const ana = await arrive({ name: 'Ana' });
  await ana.page.goto(server.origin);
  await ana.page.getByRole('textbox', { name: 'Room name' }).waitFor();
  await check(ana, 'home');
  await ana.openPreJoin(room);
  await check(ana, 'pre-join');
});

test('the connection test passes axe', async ({ arrive, server }) => {
  const ana = await arrive({ name: 'Ana' });
  await ana.page.goto(`${server.origin}/test`);
  await ana.page.getByText('Calls work well from here').waitFor({ timeout: SOON });
  await check(ana, 'connection test');
});

test('pre-join without devices passes axe', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana', devices: 'denied' });
  await ana.openPreJoin(room);
  await check(ana, 'pre-join, denied');
});

test('the page of a room that cannot be opened passes axe', async ({ arrive, server }) => {
  const ana = await arrive({ name: 'Ana' });
  await ana.page.goto(`${server.origin}/admin`);
  await ana.page.getByRole('heading', { level: 1 }).waitFor();
  await check(ana, 'reserved room');
});

test('the call, its panels, settings, help and the end page pass axe', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana', person: 1 });
  const boris = await arrive({ name: 'Boris', person: 2 });
  const { page } = ana;
  await ana.join(room);
  await boris.join(room);
  await ana.waitForOthers(1);
  await ana
    .tile(await boris.identity())
    .first()
    .waitFor();
  await check(ana, 'call');

  await boris.say('A message to look at');
  await ana.reads('A message to look at');
  await check(ana, 'chat panel');
  await page.getByRole('button', { name: 'What to do with the message' }).click();
  await check(ana, 'menu of a message');
  await page.keyboard.press('Escape');
  await ana.button('Search the chat').click();
  await page.getByRole('searchbox').fill('message');
  await page.keyboard.press('Enter');
  await ana.finds('1 message found');
  await check(ana, 'search of the chat');
  await ana.openPanel('People');
  await ana.page.getByText('Boris').first().waitFor();
  await check(ana, 'people panel');
  await ana.page.keyboard.press('Escape');

  await ana.button('Reactions').click();
  await check(ana, 'reactions');
  await ana.page.keyboard.press('Escape');
  await ana.button('Layout').click();
  await check(ana, 'layout menu');
  await ana.page.keyboard.press('Escape');

  await ana.button('Settings').click();
  await ana.page
    .getByRole('heading', { name: /settings/i })
    .first()
    .waitFor();
  await check(ana, 'settings');
  await ana.page.keyboard.press('Escape');

  await ana.page.keyboard.press('?');
  await ana.page
    .getByText(/shortcuts/i)
    .first()
    .waitFor();
  await check(ana, 'help');
  await ana.page.keyboard.press('Escape');

  await ana.leave();
  await ana.page.getByRole('heading', { level: 1 }).waitFor();
  await check(ana, 'end page');
});

test('leading, polls, the lobby, secrecy and recording pass axe', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana', devices: 'none' });
  const { page } = ana;
  await page.goto(`${ana.origin}/${room}?debug#key=q83vEjRWeJCrze8SNFZ4kA`);
  await page.getByRole('textbox', { name: 'Your name' }).waitFor();
  await ana.enter();

  await ana.button('End-to-end encrypted').click();
  await page.getByTestId('safety-phrase').waitFor();
  await check(ana, 'safety phrase');
  await page.keyboard.press('Escape');
  await ana.choose('More', 'Record on this device');
  await page.getByRole('dialog', { name: 'Record on this device' }).waitFor();
  await check(ana, 'recording');
  await page.keyboard.press('Escape');

  await ana.choose('More', 'Polls');
  await ana.button('New poll').click();
  await check(ana, 'new poll');
  await page.getByRole('textbox', { name: 'Question' }).fill('Tea?');
  await page.getByRole('textbox', { name: 'Answer 1' }).fill('Yes');
  await page.getByRole('textbox', { name: 'Answer 2' }).fill('No');
  await ana.button('Ask').click();
  await page.getByRole('radio', { name: 'Yes' }).check();
  await check(ana, 'poll');
  await ana.button('Vote').click();
  await page.getByText('1 · 100 %').waitFor();
  await check(ana, 'results');

  await ana.lead();
  await ana.flip('Lobby');
  await ana.button('Start').click();
  await check(ana, 'leading');
  const boris = await arrive({ name: 'Boris', devices: 'none' });
  await boris.knock(room);
  await boris.isTold('Please wait');
  await check(boris, 'waiting in the lobby');
  await ana.openPanel('People');
  await ana.button('Let in: Boris').waitFor();
  await check(ana, 'lobby');
  await ana.button('What to do with Ana').click();
  await check(ana, 'menu of a person');
});

test('a phone-sized call passes axe', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana', person: 1, viewport: { width: 360, height: 740 } });
  const boris = await arrive({ name: 'Boris', person: 2 });
  await ana.join(room);
  await boris.join(room);
  await ana
    .tile(await boris.identity())
    .first()
    .waitFor();
  await check(ana, 'call on a phone');

  // Whatever is open, nothing lies over the microphone or the way out, and nothing is wider than the smallest phone.
  await ana.page.setViewportSize({ width: 320, height: 640 });
  const inReach = (name: string) =>
    ana.button(name).evaluate((button) => {
      const { left, top, width, height } = button.getBoundingClientRect();
      const hit = document.elementFromPoint(left + width / 2, top + height / 2);
      return button.contains(hit);
    });
  const open: [string, () => Promise<void>][] = [
    ['Chat', () => ana.openPanel('Chat')],
    ['People', () => ana.choose('More', 'People')],
    ['Polls', () => ana.choose('More', 'Polls')],
    ['Lead the meeting', () => ana.choose('More', 'Lead the meeting')],
    ['Breakout rooms', () => ana.choose('More', 'Breakout rooms')],
    ['Settings', () => ana.choose('More', 'Settings')],
  ];
  for (const [title, show] of open) {
    await show();
    await ana.page.getByRole('heading', { level: 2, name: title }).waitFor();
    for (const name of ['Microphone', 'Camera', 'Leave']) {
      expect(await inReach(name), `${name} while ${title} is open`).toBe(true);
    }
    const wider = await ana.page.evaluate(() =>
      [document.documentElement, ...document.querySelectorAll('aside, aside > *')].flatMap((one) =>
        one.scrollWidth > one.clientWidth ? [`${one.tagName} ${one.className}`] : [],
      ),
    );
    expect(wider, `${title} at 320 px`).toEqual([]);
  }
});

test('a meeting works with the keyboard alone', async ({ arrive, room, server }) => {
  const ana = await arrive({ name: 'Ana', person: 1 });
  const { page } = ana;
  const focused = () =>
    page.evaluate(() => {
      const element = document.activeElement;
      return element?.getAttribute('aria-label') ?? element?.textContent ?? '';
    });
  const tabTo = async (
    wanted: { evaluate: (f: (e: Element) => boolean) => Promise<boolean> },
    most = 60,
  ) => {
    for (let step = 0; step < most; step += 1) {
      if (
        await wanted.evaluate(
          (element) =>
            element === document.activeElement || element.contains(document.activeElement),
        )
      )
        return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`the keyboard does not get there; it is at "${await focused()}"`);
  };

  await page.goto(`${server.origin}/?debug`);
  const roomName = page.getByRole('textbox', { name: 'Room name' });
  await roomName.waitFor();
  await tabTo(roomName);
  await page.keyboard.type(room);
  await page.keyboard.press('Enter');

  const yourName = page.getByRole('textbox', { name: 'Your name' });
  await yourName.waitFor();
  await tabTo(yourName);
  await page.keyboard.press('Control+A');
  await page.keyboard.type('Ana');
  await page.keyboard.press('Enter');
  await ana.button('Leave').waitFor();

  const microphone = ana.button('Microphone');
  const state = async () =>
    `${await microphone.getAttribute('aria-pressed')} ${await microphone.getAttribute('aria-label')}`;
  const before = await state();
  // The toolbar is one stop; inside it the arrows go from control to control.
  const toolbar = page.getByRole('toolbar');
  await tabTo(toolbar.first());
  await page.keyboard.press('Home');
  for (let step = 0; step < 20; step += 1) {
    if (await microphone.evaluate((element) => element === document.activeElement)) break;
    await page.keyboard.press('ArrowRight');
  }
  expect(await microphone.evaluate((element) => element === document.activeElement)).toBe(true);
  await page.keyboard.press('Space');
  await expect.poll(state).not.toBe(before);

  await tabTo(toolbar.first());
  await page.keyboard.press('End');
  const leave = ana.button('Leave');
  for (let step = 0; step < 20; step += 1) {
    if (await leave.evaluate((element) => element === document.activeElement)) break;
    await page.keyboard.press('ArrowLeft');
  }
  await page.keyboard.press('Enter');
  const confirm = page.getByRole('dialog').or(page.getByRole('menu'));
  if (await confirm.isVisible()) await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1 }).waitFor();
});
