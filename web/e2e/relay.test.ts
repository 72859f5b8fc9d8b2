import { basename } from 'node:path';
import { test as base, expect } from './support/meeting';
import { SOON } from './support/person';
import { freePorts, Server } from './support/server.mjs';

/** A test whose server has a UDP port for TURN alone, and serves media behind one port. */
const test = base.extend<{ server: Server }>({
  server: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner reads the wanted fixtures from this pattern
    async ({}, use) => {
      const name = basename(expect.getState().testPath ?? 'some');
      const { udp } = await freePorts();
      const server = await Server.start({
        name,
        media: 'workers = 2\nsingle_port = true',
        config: `[turn]\nudp_port = ${udp}`,
      });
      await use(server);
      await server.stop();
    },
    { scope: 'file' },
  ],
});

for (const transport of ['udp', 'tcp'] as const) {
  test(`two people whose browsers may only use a relay by ${transport} see and hear each other`, async ({
    arrive,
    room,
  }) => {
    const ana = await arrive({ name: 'Ana', person: 1, relay: transport });
    const boris = await arrive({ name: 'Boris', person: 2, relay: transport });
    await ana.join(room);
    await boris.join(room);
    await boris.seesMoving(await ana.identity(), 1);
    await ana.seesMoving(await boris.identity(), 2);
    await boris.hears(1);
    for (const person of [ana, boris]) {
      expect(new Set(await person.ways())).toEqual(new Set([`relay ${transport}`]));
    }
  });
}

test('who is told of relays and needs none talks to the media port itself', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana', person: 1 });
  const boris = await arrive({ name: 'Boris', person: 2 });
  await ana.join(room);
  await boris.join(room);
  await boris.seesMoving(await ana.identity(), 1);
  await boris.hears(1);
  for (const person of [ana, boris]) {
    for (const way of await person.ways()) expect(way).not.toContain('relay');
  }
});

test('the connection test finds every way that the server offers', async ({ arrive, server }) => {
  const { page } = await arrive({ name: 'Ana' });
  await page.goto(`${server.origin}/test`);
  const row = (name: string) => page.getByRole('listitem').filter({ hasText: name });
  await page.getByText('Calls work well from here').waitFor({ timeout: SOON });
  for (const name of [
    'Server',
    'Signalling',
    'Sound and video',
    'Relay over UDP',
    'Relay over TCP',
  ]) {
    await row(name).getByText(' ms').waitFor({ timeout: SOON });
  }
  await row('Relay over TLS').getByText('Not offered').waitFor();
});
