import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Certificate, certificateFor } from './support/certificate';
import { test as base, expect } from './support/meeting';
import { CHROMIUM } from './support/person';
import { Server } from './support/server.mjs';
import { WalledNetwork } from './support/walled';

/** A test whose server is reached over 443/tcp alone by whoever sits behind the wall. */
const test = base.extend<{
  network: WalledNetwork | string;
  certificate: Certificate | null;
  server: Server;
}>({
  network: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner reads the wanted fixtures from this pattern
    async ({}, use) => {
      const network = await WalledNetwork.setUp();
      if (typeof network === 'string') process.stderr.write(`\n*** SKIPPED: ${network}\n\n`);
      await use(network);
      if (typeof network !== 'string') await network.takeDown();
    },
    { scope: 'file' },
  ],
  certificate: [
    async ({ network }, use) => {
      const certificate =
        typeof network === 'string' ? null : await certificateFor(network.outside);
      await use(certificate);
      if (certificate) await rm(certificate.folder, { recursive: true });
    },
    { scope: 'file' },
  ],
  server: [
    async ({ network, certificate }, use) => {
      const name = basename(expect.getState().testPath ?? 'some');
      const files = `certificate = "${certificate?.certificate}"\nkey = "${certificate?.key}"`;
      const secured =
        typeof network === 'string'
          ? {}
          : {
              config: `[tls]\nmode = "files"\nlisten = "${network.outside}:443"\n${files}`,
              origin: `https://${network.outside}`,
            };
      const server = await Server.start({
        name,
        media: 'workers = 2\nsingle_port = true',
        ...secured,
      });
      await use(server);
      await server.stop();
    },
    { scope: 'file' },
  ],
});

test('who reaches nothing but 443/tcp sees and hears, and comes back the way that worked', async ({
  arrive,
  certificate,
  network,
  room,
  skip,
}) => {
  if (typeof network === 'string') return skip(network);
  const trusts = certificate?.spki;
  const program = await network.wrapped(CHROMIUM);
  const ana = await arrive({ name: 'Ana', person: 1, trusts, program });
  const boris = await arrive({ name: 'Boris', person: 2, trusts });
  await boris.join(room);
  await ana.join(room);
  const check = async () => {
    await ana.seesMoving(await boris.identity(), 2);
    await boris.seesMoving(await ana.identity(), 1);
    await ana.hears(1);
    await boris.hears(1);
    expect(new Set(await ana.ways())).toEqual(new Set(['relay tls']));
    for (const way of await boris.ways()) expect(way).not.toContain('relay');
  };
  await check();
  expect(new Set(await ana.policies())).toEqual(new Set([undefined]));
  await expect
    .poll(() => ana.page.evaluate(() => localStorage.getItem('tertulia.way')))
    .toContain('relayTls');
  await ana.join(room);
  expect(new Set(await ana.policies())).toEqual(new Set(['relay']));
  await check();
});
