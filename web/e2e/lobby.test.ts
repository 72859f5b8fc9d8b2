import { expect, test } from './support/meeting';
import { SOON } from './support/person';

test('whoever knocks is announced by name, hears from the hosts, and is let in or sent away', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana', devices: 'none' });
  await ana.join(room);
  await ana.lead();
  await ana.flip('Lobby');

  const boris = await arrive({ name: 'Boris', devices: 'none' });
  await boris.knock(room);
  await boris.isTold('Please wait');
  await ana.finds('Boris would like to come in');
  await ana.openPanel('People');
  const message = ana.page.getByRole('textbox', { name: 'Message to those who wait' });
  await message.fill('One moment, please');
  await message.press('Enter');
  await boris.finds('One moment, please');
  await ana.button('Let in').click();
  await boris.waitInCall();
  await ana.waitForOthers(1);
  await ana.page
    .getByRole('region', { name: 'Lobby' })
    .waitFor({ state: 'detached', timeout: SOON });

  const chloe = await arrive({ name: 'Chloe', devices: 'none' });
  await chloe.knock(room);
  await ana.button('Not now').click();
  await chloe.isTold('Not now');
  // Nobody who only takes part hears of who waits.
  expect(await boris.page.getByText('would like to come in').count()).toBe(0);
});

test('a crowd is let in at once, and whoever gives up is gone from the list', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana', devices: 'none' });
  await ana.join(room);
  await ana.lead();
  await ana.flip('Lobby');
  const boris = await arrive({ name: 'Boris', devices: 'none' });
  await boris.knock(room);
  const chloe = await arrive({ name: 'Chloe', devices: 'none' });
  await chloe.knock(room);
  const dario = await arrive({ name: 'Dario', devices: 'none' });
  await dario.knock(room);
  await ana.finds('3 people are waiting');
  await dario.button('Leave').click();
  await dario.isTold('You left the meeting');
  await ana.finds('2 people are waiting');
  await ana.button('Let everybody in').click();
  await Promise.all([boris.waitInCall(), chloe.waitInCall()]);
  await ana.waitForOthers(2);
});
