import { readFile } from 'node:fs/promises';
import { expect, test } from './support/meeting';
import { type Person, SOON } from './support/person';

/** Whether somebody's microphone or camera is on, as their own toolbar tells. */
async function isOn(person: Person, device: 'Microphone' | 'Camera', on: boolean): Promise<void> {
  await expect
    .poll(() => person.button(device).getAttribute('aria-pressed'), { timeout: SOON })
    .toBe(String(on));
}

test('those who lead mute and ask to unmute, one or all, and nobody is ever unmuted by another', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana' });
  await ana.join(room);
  const boris = await arrive({ name: 'Boris' });
  await boris.join(room);
  const identity = await boris.identity();
  await ana.openPanel('People');
  expect(await boris.page.getByRole('button', { name: 'What to do with' }).count()).toBe(0);

  await ana.choose('What to do with Boris', 'Mute');
  await isOn(boris, 'Microphone', false);
  await boris.finds('Somebody muted you.');
  await expect.poll(() => ana.tileSays(identity), { timeout: SOON }).toContain('Muted');
  await ana.choose('What to do with Boris', 'Ask to unmute');
  await boris.finds('You are asked to unmute.');
  await isOn(boris, 'Microphone', false);
  await boris.button('Unmute').click();
  await isOn(boris, 'Microphone', true);

  await ana.choose('What to do with Boris', 'Turn the camera off');
  await isOn(boris, 'Camera', false);

  await ana.lead();
  await ana.button('Mute everybody').click();
  await isOn(boris, 'Microphone', false);
  await isOn(ana, 'Microphone', true);

  // Off for everybody: nobody but those who lead can turn it on, until it is allowed again.
  await ana.flip('Microphones');
  await expect.poll(() => boris.button('Microphone').isDisabled(), { timeout: SOON }).toBe(true);
  await ana.flip('Microphones');
  await boris.button('Microphone').click();
  await isOn(boris, 'Microphone', true);

  await ana.flip('Chat');
  await boris.openPanel('Chat');
  await boris.finds('Those who lead have turned the chat off.');
  await ana.flip('Chat');
  await boris.say('back again');
  await ana.reads('back again');
});

test('hands are called in their order, and a view is set for everybody', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana', devices: 'none' });
  await ana.join(room);
  const boris = await arrive({ name: 'Boris', devices: 'none' });
  await boris.join(room);
  const chloe = await arrive({ name: 'Chloe', devices: 'none' });
  await chloe.join(room);
  const identity = await chloe.identity();
  await ana.waitForOthers(2);
  await ana.openPanel('People');
  const queue = ana.page.locator('ol > li');
  await chloe.button('Raise hand').click();
  await expect.poll(() => queue.count(), { timeout: SOON }).toBe(1);
  await boris.button('Raise hand').click();
  await expect.poll(() => queue.count(), { timeout: SOON }).toBe(2);
  expect(await queue.allTextContents()).toEqual([
    expect.stringContaining('Chloe'),
    expect.stringContaining('Boris'),
  ]);
  await ana.button('Next to speak').click();
  await chloe.finds('You have the floor.');
  await boris.finds('Chloe has the floor.');
  await expect.poll(() => queue.count(), { timeout: SOON }).toBe(1);
  await ana.button('Lower all hands').click();
  await expect.poll(() => queue.count(), { timeout: SOON }).toBe(0);
  await expect
    .poll(() => boris.button('Raise hand').getAttribute('aria-pressed'), { timeout: SOON })
    .toBe('false');

  // In front of everybody: the largest picture on each screen.
  const large = async (person: Person) =>
    person.page.getByTestId('tile').evaluateAll((tiles) => {
      const area = (tile: Element) => {
        const { width, height } = tile.getBoundingClientRect();
        return width * height;
      };
      const [first, second] = [...tiles].sort((a, b) => area(b) - area(a));
      const dominates = first && second && area(first) > 2 * area(second);
      return dominates ? first.getAttribute('data-identity') : null;
    });
  expect(await large(boris)).toBe(null);
  await ana.choose('What to do with Chloe', 'In front of everybody');
  await expect.poll(() => large(boris), { timeout: SOON }).toBe(identity);
  await ana.choose('What to do with Chloe', 'In front of everybody');
  await expect.poll(() => large(boris), { timeout: SOON }).toBe(null);

  // Follow me: whoever leads the view pins Chloe, and so does Boris's screen.
  await ana.choose('More', 'Have everybody follow my view');
  await ana.page.getByRole('button', { name: 'Pin for me: Chloe' }).first().click();
  await expect.poll(() => large(boris), { timeout: SOON }).toBe(identity);
});

test('a role brings its rights, a countdown is everybody’s, and who was there can be downloaded', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana', devices: 'none' });
  await ana.join(room);
  const boris = await arrive({ name: 'Boris', devices: 'none' });
  await boris.join(room);
  await ana.openPanel('People');
  await ana.choose('What to do with Boris', 'Moderator');
  await boris.finds('Your role is now: Moderator');
  await boris.lead();
  await boris.page.getByRole('textbox', { name: 'What for' }).fill('Coffee');
  await boris.button('Start').click();
  const clock = ana.page.getByRole('timer');
  await expect.poll(() => clock.textContent(), { timeout: SOON }).toMatch(/^Coffee[45]:\d\d$/);
  await boris.button('Stop the countdown').click();
  await clock.waitFor({ state: 'detached', timeout: SOON });

  const downloads = boris.page.waitForEvent('download', { timeout: SOON });
  await boris.button('Download the list (CSV)').click();
  const table = await readFile(await (await downloads).path(), 'utf8');
  expect(table).toContain('Ana');
  expect(table).toContain('Boris');

  await ana.choose('What to do with Boris', 'Participant');
  await boris.page
    .getByRole('heading', { name: 'Lead the meeting' })
    .waitFor({ state: 'detached', timeout: SOON });
});

test('in a webinar viewers are counted, not shown, and one of them is brought on stage', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana' });
  await ana.join(room);
  await ana.lead();
  await ana.flip('Webinar');
  await ana.page.getByRole('combobox', { name: 'Whoever comes in is' }).selectOption('Viewer');
  const boris = await arrive({ name: 'Boris' });
  await boris.join(room);
  await boris
    .tile(await ana.identity())
    .first()
    .waitFor({ timeout: SOON });
  await boris.hears();
  await expect.poll(() => boris.button('Microphone').isDisabled(), { timeout: SOON }).toBe(true);
  await ana.openPanel('People');
  await ana.finds('1 viewer');
  expect(await ana.others()).toEqual([]);
  await boris.button('Raise hand').click();
  await ana.finds('Hand raised');
  await ana.button('Bring on stage: Boris').click();
  await ana.waitForOthers(1);
  await boris.button('Microphone').click();
  await isOn(boris, 'Microphone', true);
  await ana.hears();
});
