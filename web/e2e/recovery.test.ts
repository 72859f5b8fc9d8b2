import { expect, test } from './support/meeting';
import { SOON } from './support/person';

test('reloading brings the same person back, without a ghost', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana', person: 1 });
  const boris = await arrive({ name: 'Boris', person: 2 });
  await ana.join(room);
  await boris.join(room);
  const identity = await ana.identity();
  await boris.seesMoving(identity, 1);

  await ana.page.reload();
  const join = ana.page.getByRole('button', { name: 'Join meeting' });
  const leave = ana.page.getByRole('button', { name: 'Leave' });
  await join.or(leave).first().waitFor();
  if (await join.isVisible()) await join.click();
  await ana.waitInCall();

  expect(await ana.identity()).toBe(identity);
  await boris.waitForOthers(1);
  expect(await boris.others()).toEqual([identity]);
  expect(await boris.tile(identity).count()).toBe(1);
  await boris.seesMoving(identity, 1);
  await ana.seesMoving(await boris.identity(), 2);
});

for (const [story, signal] of [
  ['an orderly restart', 'SIGTERM'],
  ['a crash', 'SIGKILL'],
] as const) {
  test(`after ${story} of the server people are back without touching anything`, async ({
    arrive,
    room,
    server,
  }) => {
    const ana = await arrive({ name: 'Ana', person: 1 });
    const boris = await arrive({ name: 'Boris', person: 2 });
    await ana.join(room);
    await boris.join(room);
    const [a, b] = [await ana.identity(), await boris.identity()];
    await ana.seesMoving(b, 2);
    await boris.seesMoving(a, 1);

    await server.restart(signal);

    await ana.waitInCall(45_000);
    await boris.waitInCall(45_000);
    await ana.waitForOthers(1);
    await boris.waitForOthers(1);
    expect(await ana.identity()).toBe(a);
    expect(await boris.identity()).toBe(b);
    await ana.seesMoving(b, 2);
    await boris.seesMoving(a, 1);
    await ana.hears(1);
    await ana.say('Still here?');
    await boris.reads('Still here?');
  });
}

test('a person who muted stays muted after the server restarts', async ({
  arrive,
  room,
  server,
}) => {
  const ana = await arrive({ name: 'Ana', person: 1 });
  const boris = await arrive({ name: 'Boris', person: 2 });
  await ana.join(room);
  await boris.join(room);
  const identity = await ana.identity();
  const muted = () =>
    boris.page.evaluate(
      (who) => window.__tertulia?.room?.remoteParticipants.get(who)?.isMicrophoneEnabled === false,
      identity,
    );
  await boris.waitForOthers(1);
  await ana.button('Microphone').click();
  await expect.poll(muted, { timeout: SOON }).toBe(true);

  await server.restart('SIGKILL');

  await ana.waitInCall(45_000);
  await boris.waitInCall(45_000);
  await boris.seesMoving(identity, 1);
  expect(await muted()).toBe(true);
});
