import { expect, test } from './support/meeting';
import { SOON } from './support/person';

test('messages reach everybody, and late joiners read what was said', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana' });
  const boris = await arrive({ name: 'Boris' });
  await ana.join(room);
  await boris.join(room);

  await ana.say('Good morning');
  await boris.reads('Good morning');
  await boris.say('Hello Ana');
  await ana.reads('Hello Ana');

  const chloe = await arrive({ name: 'Chloe' });
  await chloe.join(room);
  await chloe.reads('Good morning');
  await chloe.reads('Hello Ana');
  expect(await chloe.page.getByText('Good morning', { exact: true }).count()).toBe(1);
});

test('markup in a message stays text', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana' });
  const boris = await arrive({ name: 'Boris <b>bold</b>' });
  await ana.join(room);
  await boris.join(room);
  const text = '<img src=x onerror="document.title=1"> & <script>1</script>';
  await boris.say(text);
  await ana.reads(text);
  expect(await ana.page.title()).not.toBe('1');
});

test('what was typed survives closing the panel', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana' });
  await ana.join(room);
  await ana.openPanel('Chat');
  const message = ana.page.getByRole('textbox', { name: 'Message' });
  await message.fill('half a thou');
  await ana.button('Chat').click();
  await message.waitFor({ state: 'hidden' });
  await ana.openPanel('Chat');
  await expect.poll(() => message.inputValue(), { timeout: SOON }).toBe('half a thou');
});
