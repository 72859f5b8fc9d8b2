import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Certificate, certificateFor } from './support/certificate';
import { test as base, expect } from './support/meeting';
import { SOON } from './support/person';
import { freePort, outsideAddress, Server } from './support/server.mjs';

/** A test whose server does HTTPS itself, with relays inside TLS on the same port. */
const test = base.extend<{ server: Server; certificate: Certificate }>({
  certificate: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner reads the wanted fixtures from this pattern
    async ({}, use) => {
      const address = outsideAddress();
      if (!address) throw new Error('this machine has no address but loopback');
      const certificate = await certificateFor(address);
      await use(certificate);
      await rm(certificate.folder, { recursive: true });
    },
    { scope: 'file' },
  ],
  server: [
    async ({ certificate: { certificate, key } }, use) => {
      const name = basename(expect.getState().testPath ?? 'some');
      const address = outsideAddress();
      const port = await freePort();
      const files = `certificate = "${certificate}"\nkey = "${key}"`;
      const server = await Server.start({
        name,
        media: 'workers = 2\nsingle_port = true',
        config: `[tls]\nmode = "files"\nlisten = "${address}:${port}"\n${files}`,
        origin: `https://${address}:${port}`,
      });
      await use(server);
      await server.stop();
    },
    { scope: 'file' },
  ],
});

test('two people whose browsers may only use a relay inside TLS see and hear each other', async ({
  arrive,
  certificate: { spki: trusts },
  room,
}) => {
  const ana = await arrive({ name: 'Ana', person: 1, relay: 'tls', trusts });
  const boris = await arrive({ name: 'Boris', person: 2, relay: 'tls', trusts });
  await ana.join(room);
  await boris.join(room);
  await boris.seesMoving(await ana.identity(), 1);
  await ana.seesMoving(await boris.identity(), 2);
  await boris.hears(1);
  await ana.hears(1);
  for (const person of [ana, boris]) {
    expect(new Set(await person.ways())).toEqual(new Set(['relay tls']));
  }
});

test('who comes from a network where only relays worked begins by one and climbs back', async ({
  arrive,
  certificate: { spki: trusts },
  room,
}) => {
  const way = JSON.stringify({ way: 'relayTls', at: Date.now() });
  const ana = await arrive({ name: 'Ana', person: 1, trusts, remembers: { 'tertulia.way': way } });
  const boris = await arrive({ name: 'Boris', person: 2, trusts });
  await boris.join(room);
  await ana.join(room);
  await ana.seesMoving(await boris.identity(), 2);
  const policies = await ana.policies();
  expect(new Set(policies)).toEqual(new Set(['relay']));
  await expect
    .poll(async () => (await ana.ways()).every((one) => !one.startsWith('relay')), {
      timeout: SOON,
    })
    .toBe(true);
  await ana.seesMoving(await boris.identity(), 2);
  await boris.seesMoving(await ana.identity(), 1);
  // The same connection all along.
  expect(await ana.policies()).toEqual(policies);
  await expect
    .poll(() => ana.page.evaluate(() => localStorage.getItem('tertulia.way')), { timeout: SOON })
    .toContain('"udp"');
});

test('the connection test finds the relay inside TLS', async ({ arrive, certificate, server }) => {
  const { page } = await arrive({ name: 'Ana', trusts: certificate.spki });
  await page.goto(`${server.origin}/test`);
  const row = page.getByRole('listitem').filter({ hasText: 'Relay over TLS' });
  await row.getByText(' ms').waitFor({ timeout: SOON });
});
