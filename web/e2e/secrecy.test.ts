import { expect, test } from './support/meeting';
import { type Person, SOON } from './support/person';

const key = 'q83vEjRWeJCrze8SNFZ4kA';

async function joinWith(person: Person, room: string, hash: string): Promise<void> {
  await person.page.goto(`${person.origin}/${room}?debug${hash}`);
  await person.page.getByRole('textbox', { name: 'Your name' }).waitFor();
  await person.enter();
}

/** What people compare. */
async function phrase(person: Person): Promise<string | null> {
  await person.button('End-to-end encrypted').click();
  const shown = await person.page.getByTestId('safety-phrase').textContent();
  await person.page.keyboard.press('Escape');
  return shown;
}

test('with the key people see, hear and read each other; without it nothing, and are told why', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana', person: 1 });
  const boris = await arrive({ name: 'Boris', person: 2 });
  const requests: string[] = [];
  ana.page.on('request', (request) => {
    // What stands behind the # is never part of what is asked.
    const [address] = request.url().split('#');
    requests.push(`${address} ${request.postData() ?? ''}`);
  });
  await joinWith(ana, room, `#key=${key}`);
  await joinWith(boris, room, `#key=${key}`);
  await boris.seesMoving(await ana.identity(), 1);
  await ana.seesMoving(await boris.identity(), 2);
  await boris.hears();
  expect(await phrase(ana)).toBe(await phrase(boris));

  const bodies: string[] = [];
  ana.page.on('request', (request) => {
    if (request.url().includes('/chat')) bodies.push(request.postData() ?? '');
  });
  await ana.say('between us');
  await boris.reads('between us');
  expect(bodies.join()).not.toContain('between us');

  const eve = await arrive({ name: 'Eve' });
  await joinWith(eve, room, '');
  await eve.page
    .getByText('This meeting is end-to-end encrypted, and your link has no key', { exact: false })
    .first()
    .waitFor({ timeout: SOON });
  await expect
    .poll(() => eve.button('Microphone').getAttribute('aria-pressed'), { timeout: SOON })
    .toBe('false');
  expect((await eve.received()).framesDecoded).toBe(0);
  expect((await eve.received()).audioTracksWithEnergy).toBe(0);
  await eve.openPanel('Chat');
  await eve.page.getByText('Encrypted message', { exact: false }).first().waitFor();
  expect(await eve.page.getByText('between us').count()).toBe(0);

  expect(requests.filter((text) => text.includes(key))).toEqual([]);
});

test('another key opens nothing, and that is said', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana', person: 1 });
  const boris = await arrive({ name: 'Boris', person: 2 });
  await joinWith(ana, room, `#key=${key}`);
  await joinWith(boris, room, '#key=AAAAAAAAAAAAAAAAAAAAAA');
  await boris.page
    .getByText('uses another key', { exact: false })
    .first()
    .waitFor({ timeout: SOON });
  expect((await boris.received()).framesDecoded).toBe(0);
});

test('a key that cannot be right lets nobody in', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana' });
  await ana.page.goto(`${ana.origin}/${room}#key=tooshort`);
  await ana.page.getByRole('heading', { name: 'The key in this link is broken' }).waitFor();
});
