import { expect, test } from './support/meeting';
import { type Person, SOON } from './support/person';

/** The names of the others in the room somebody is in now. */
async function company(person: Person): Promise<string[]> {
  return person.page.evaluate(() =>
    [...(window.__tertulia?.room?.remoteParticipants.values() ?? [])]
      .map((one) => (one as { name?: string }).name ?? '')
      .sort(),
  );
}

async function isWith(person: Person, names: readonly string[]): Promise<void> {
  await expect.poll(() => company(person), { timeout: SOON, interval: 250 }).toEqual(names);
}

test('a class is split by chance, calls for help, is written to, and comes back by itself', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana', devices: 'none' });
  await ana.join(room);
  const boris = await arrive({ name: 'Boris', devices: 'none', beside: ana });
  const chloe = await arrive({ name: 'Chloe' });
  const dora = await arrive({
    name: 'Dora',
    devices: 'none',
    viewport: { width: 360, height: 740 },
    beside: ana,
  });
  const everybody = [boris, chloe, dora];
  await Promise.all(everybody.map((person) => person.join(room)));
  await ana.waitForOthers(3);
  await chloe.button('Microphone').click();

  await ana.choose('More', 'Breakout rooms');
  await ana.button('Add rooms').click();
  await ana.page.getByRole('textbox', { name: 'Name of Room 1' }).waitFor();
  await ana.button('Shuffle everybody').click();
  await ana.finds('Boris');
  await ana.button('Open the rooms').click();

  // Two go to one room and one to the other, which is by chance; each hears nobody else.
  await ana.waitForOthers(0);
  const room1 = ana.page.getByRole('region', { name: 'Room 1' });
  await expect.poll(() => room1.getByText('2/2').count(), { timeout: SOON, interval: 250 }).toBe(1);
  const groups = await Promise.all(
    everybody.map(async (person) => {
      await person.page.getByRole('region', { name: 'Breakout rooms' }).waitFor({ timeout: SOON });
      const here = person.page.getByRole('region', { name: 'Breakout rooms' });
      return (await here.getByText(/Room [12]/).textContent()) ?? '';
    }),
  );
  expect([...groups].sort()).toEqual(['Room 1', 'Room 1', 'Room 2']);
  for (const [index, person] of everybody.entries()) {
    const others = everybody.filter(
      (other, at) => other !== person && groups[at] === groups[index],
    );
    await isWith(
      person,
      others.map(({ name }) => name),
    );
  }
  // Whatever microphone and camera were, they are.
  expect(await chloe.button('Microphone').getAttribute('aria-pressed')).toBe('false');
  expect(await chloe.button('Camera').getAttribute('aria-pressed')).toBe('true');

  // The one who is alone calls; the leader comes, and goes back.
  const alone = everybody[groups.indexOf('Room 2')];
  if (!alone) throw new Error('nobody is alone');
  // Nobody is invited into a breakout room by its link.
  expect(await alone.page.getByRole('heading', { name: 'Nobody else is here yet' }).count()).toBe(
    0,
  );
  await alone.button('Ask for help').click();
  await ana.finds(`${alone.name} in Room 2 asks for help`);
  await ana.button('Join').click();
  await isWith(ana, [alone.name]);
  await isWith(alone, ['Ana']);
  await alone.button('Ask for help').waitFor({ timeout: SOON });
  await ana.page
    .getByRole('region', { name: 'Breakout rooms' })
    .getByRole('button', { name: 'Back to the main room' })
    .click();
  await isWith(ana, []);

  await ana.page
    .getByRole('textbox', { name: 'Message to all rooms' })
    .fill('Find three examples.');
  await ana.button('Send').click();
  for (const person of everybody) await person.finds('Find three examples.');

  // A reload is back where it was.
  await chloe.page.reload();
  await chloe.enter();
  await chloe.page.getByRole('region', { name: 'Breakout rooms' }).waitFor({ timeout: SOON });

  await ana.button('Call everybody back').click();
  for (const person of everybody) await person.finds('Back to the main room in');
  await isWith(ana, ['Boris', 'Chloe', 'Dora']);
  await isWith(dora, ['Ana', 'Boris', 'Chloe']);
  await chloe.button('Microphone').click();
  await boris.hears();
});
