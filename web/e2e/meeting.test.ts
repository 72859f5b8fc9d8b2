import { expect, test } from './support/meeting';
import { SOON } from './support/person';

test('three people see each other moving and hear each other', async ({ arrive, room }) => {
  const people = await Promise.all([
    arrive({ name: 'Ana', person: 1 }),
    arrive({ name: 'Boris', person: 2 }),
    arrive({ name: 'Chloe', person: 3 }),
  ]);
  for (const person of people) await person.join(room);
  const identities = await Promise.all(people.map((person) => person.identity()));
  await Promise.all(people.map((person) => person.waitForOthers(2)));

  for (const [viewer, person] of people.entries()) {
    for (const [seen, identity] of identities.entries()) {
      if (seen !== viewer) await person.seesMoving(identity, seen + 1);
    }
    await person.hears(2);
    const { framesDecoded } = await person.received();
    expect(framesDecoded).toBeGreaterThan(10);
  }
});

test('a room is opened from the home screen by its name', async ({ arrive, room, server }) => {
  const ana = await arrive({ name: 'Ana', person: 1 });
  await ana.page.goto(server.origin);
  await ana.page.getByRole('textbox', { name: 'Room name' }).fill(room);
  await ana.page.getByRole('button', { name: 'Start or join' }).click();
  await ana.page.getByRole('textbox', { name: 'Your name' }).waitFor();
  expect(new URL(ana.page.url()).pathname).toBe(`/${room}`);
  // The preview shows the camera before anybody else does.
  await expect
    .poll(() =>
      ana.page
        .locator('video')
        .first()
        .evaluate((v) => (v as HTMLVideoElement).videoWidth),
    )
    .toBe(640);
});

test('muting shows on the other side, and unmuting too', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana', person: 1 });
  const boris = await arrive({ name: 'Boris', person: 2 });
  await ana.join(room);
  await boris.join(room);
  const identity = await ana.identity();
  await boris.seesMoving(identity, 1);

  const muted = () =>
    boris.page.evaluate((who) => {
      const other = window.__tertulia?.room?.remoteParticipants.get(who);
      return {
        microphone: other?.isMicrophoneEnabled === false,
        camera: other?.isCameraEnabled === false,
      };
    }, identity);

  await ana.button('Microphone').click();
  await expect.poll(async () => (await muted()).microphone, { timeout: SOON }).toBe(true);
  await expect.poll(() => boris.tileSays(identity), { timeout: SOON }).toContain('Muted');
  await ana.button('Microphone').click();
  await expect.poll(async () => (await muted()).microphone, { timeout: SOON }).toBe(false);

  await ana.button('Camera').click();
  await expect.poll(async () => (await muted()).camera, { timeout: SOON }).toBe(true);
  await expect
    .poll(() => boris.tile(identity).locator('video:visible').count(), { timeout: SOON })
    .toBe(0);
  await ana.button('Camera').click();
  await boris.seesMoving(identity, 1);
});

test('leaving takes the tile away and shows an end page', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana', person: 1 });
  const boris = await arrive({ name: 'Boris', person: 2 });
  await ana.join(room);
  await boris.join(room);
  const identity = await ana.identity();
  await boris.tile(identity).first().waitFor();

  await ana.leave();
  await ana.page.getByRole('heading', { level: 1 }).waitFor();
  await boris.waitForOthers(0, 5_000);
  await expect.poll(() => boris.tile(identity).count()).toBe(0);
  expect(await ana.page.evaluate(() => window.__tertulia?.room?.state ?? 'disconnected')).toBe(
    'disconnected',
  );
});

test('closing the tab frees the seat within ten seconds', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana', person: 1 });
  const boris = await arrive({ name: 'Boris', person: 2 });
  await ana.join(room);
  await boris.join(room);
  await boris.waitForOthers(1);

  await ana.page.close();
  await boris.waitForOthers(0, 10_000);
});

test('raised hands and reactions reach everybody', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana' });
  const boris = await arrive({ name: 'Boris' });
  await ana.join(room);
  await boris.join(room);
  const identity = await ana.identity();
  await boris.tile(identity).first().waitFor();

  await ana.button('Raise hand').click();
  const hand = () =>
    boris.page.evaluate(
      (who) => window.__tertulia?.room?.remoteParticipants.get(who)?.attributes['tertulia.hand'],
      identity,
    );
  await expect.poll(hand, { timeout: SOON }).toBeTruthy();
  await expect.poll(() => boris.tileSays(identity), { timeout: SOON }).toContain('Hand raised');
  await ana.button('Raise hand').click();
  await expect.poll(hand, { timeout: SOON }).toBeFalsy();
});
