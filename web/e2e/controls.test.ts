import { expect, test } from './support/meeting';
import { type Person, SOON } from './support/person';

async function microphone(person: Person, on: boolean): Promise<void> {
  await expect
    .poll(() => person.button('Microphone').getAttribute('aria-pressed'), { timeout: SOON })
    .toBe(String(on));
}

test('the space bar talks, reactions fly, and a small window goes along', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana', person: 1 });
  await ana.join(room);
  const boris = await arrive({ name: 'Boris', person: 2 });
  await boris.join(room);
  const identity = await ana.identity();
  await boris.seesMoving(identity, 1);

  await ana.page.keyboard.press('m');
  await microphone(ana, false);
  await expect.poll(() => boris.tileSays(identity), { timeout: SOON }).toContain('Muted');
  // With a control in focus the key is the control's.
  await ana.page.locator('body').evaluate(() => (document.activeElement as HTMLElement).blur());
  await ana.page.keyboard.down('Space');
  await microphone(ana, true);
  await expect.poll(() => boris.tileSays(identity), { timeout: SOON }).not.toContain('Muted');
  await ana.page.keyboard.up('Space');
  await microphone(ana, false);
  await expect.poll(() => boris.tileSays(identity), { timeout: SOON }).toContain('Muted');

  await ana.button('Reactions').click();
  await ana.page.getByRole('dialog').getByRole('button', { name: 'Party' }).click();
  await boris.page.getByTestId('reaction').filter({ hasText: 'Ana' }).waitFor({ timeout: SOON });
  await ana.page.keyboard.press('Escape');

  await boris.choose('More', 'Picture in picture');
  const small = () =>
    boris.page.evaluate(() => {
      const { body } = window.documentPictureInPicture?.window?.document ?? {};
      return `${body?.querySelectorAll('video').length ?? 0} ${body?.textContent ?? ''}`;
    });
  await expect.poll(small, { timeout: SOON }).toBe('1 Ana');
  await boris.choose('More', 'Picture in picture');
  await expect.poll(small, { timeout: SOON }).toBe('0 ');
});

test('incoming video can be stopped to save data, and comes back', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana', person: 1 });
  await ana.join(room);
  const boris = await arrive({ name: 'Boris', devices: 'none' });
  await boris.join(room);
  const identity = await ana.identity();
  await boris.seesMoving(identity, 1);
  await boris.choose('More', 'Stop incoming video');
  const subscribed = () =>
    boris.page.evaluate((who) => {
      const other = window.__tertulia?.room?.remoteParticipants.get(who);
      return [...(other?.videoTrackPublications.values() ?? [])].some((one) => one.isSubscribed);
    }, identity);
  await expect.poll(subscribed, { timeout: SOON }).toBe(false);
  await boris.hears();
  await boris.button('Show video again').click();
  await boris.seesMoving(identity, 1);
});
