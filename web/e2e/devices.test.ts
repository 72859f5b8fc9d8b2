import { expect, test } from './support/meeting';
import { outsideAddress } from './support/server.mjs';

for (const devices of ['denied', 'none'] as const) {
  test(`with devices ${devices} a person is told so, and still gets in to see and hear`, async ({
    arrive,
    room,
  }) => {
    const ana = await arrive({ name: 'Ana', person: 1 });
    await ana.join(room);
    const boris = await arrive({ name: 'Boris', devices });
    await boris.openPreJoin(room);
    const told =
      devices === 'denied'
        ? /(blocked|denied|permission|allow)/i
        : /(no camera|not found|no microphone)/i;
    await boris.page.getByText(told).first().waitFor();
    await boris.enter();
    await boris.seesMoving(await ana.identity(), 1);
    await boris.hears(1);
    await ana.waitForOthers(1);
    await ana
      .tile(await boris.identity())
      .first()
      .waitFor();
  });
}

test('a page that is neither HTTPS nor localhost says how to get a camera', async ({
  arrive,
  room,
  server,
  skip,
}) => {
  const address = outsideAddress();
  if (!address) return skip('this machine has no address besides loopback');
  const ana = await arrive({ name: 'Ana' });
  await ana.page.goto(`http://${address}:${server.ports.http}/${room}`);
  expect(await ana.page.evaluate(() => window.isSecureContext)).toBe(false);
  await ana.page.getByText(/https/i).first().waitFor();
});
