import { expect, test } from './support/meeting';
import { SOON } from './support/person';

test('a locked room takes nobody in, and a password only those who know it', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana', devices: 'none' });
  await ana.join(room);
  await ana.lead();
  await ana.flip('Locked');
  const boris = await arrive({ name: 'Boris', devices: 'none' });
  await boris.knock(room);
  await boris.isTold('The room is locked');
  await ana.flip('Locked');

  await ana.page.getByLabel('Password', { exact: true }).fill('tapas');
  await ana.button('Set').click();
  await ana.finds('A password is set.');
  await boris.button('Try again').click();
  await boris.knock(room, 'paella');
  await boris.finds('This is not the password.');
  await boris.page.getByLabel('Password', { exact: true }).fill('tapas');
  await boris.page.getByRole('button', { name: 'Join meeting' }).click();
  await boris.waitInCall();

  await ana.button('Remove').click();
  await ana.finds('No password is set.');
});

test('whoever is removed may come again, whoever is kept out may not until it is taken back', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana', devices: 'none' });
  await ana.join(room);
  const boris = await arrive({ name: 'Boris', devices: 'none' });
  await boris.join(room);
  await ana.openPanel('People');
  await ana.choose('What to do with Boris', 'Remove');
  await boris.isTold('You were removed');
  await ana.waitForOthers(0);

  await boris.join(room);
  await ana.waitForOthers(1);
  await ana.choose('What to do with Boris', 'Remove and keep out');
  await boris.isTold('You were removed');
  await boris.page.goto(`${boris.origin}/${room}`);
  await boris.page.getByRole('textbox', { name: 'Your name' }).fill('Boris');
  await boris.page.getByRole('button', { name: 'Join meeting' }).click();
  await boris.isTold('You cannot enter this room');

  await ana.lead();
  await ana.button('Let come again').click();
  await boris.join(room);
  await ana.waitForOthers(1);
});

test('ending for everybody asks first, and shows everybody the end', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana', devices: 'none' });
  await ana.join(room);
  const boris = await arrive({ name: 'Boris', devices: 'none' });
  await boris.join(room);
  expect(await boris.page.getByText('Lead the meeting').count()).toBe(0);
  await ana.lead();
  await ana.button('End for everybody').click();
  const question = ana.page.getByRole('dialog', { name: 'End the meeting for everybody?' });
  await question.getByRole('button', { name: 'Stay' }).click();
  await question.waitFor({ state: 'detached', timeout: SOON });
  await ana.button('End for everybody').click();
  await question.getByRole('button', { name: 'End for everybody' }).click();
  await Promise.all([ana, boris].map((person) => person.isTold('The meeting has ended')));
});
