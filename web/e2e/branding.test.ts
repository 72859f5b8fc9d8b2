import { once } from 'node:events';
import { appendFile, copyFile, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fits } from './support/axe';
import { Person, SOON, scratch } from './support/person';
import { artifacts, freePorts, Server } from './support/server.mjs';

const icon = resolve(import.meta.dirname, '../public/icon-512.png');
/** A sign that would paint the page red and call home, were it let do anything. */
const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 140 40" width="140" height="40">
<rect width="40" height="40" rx="10" fill="#0b7a75"/><text x="50" y="29" font-size="24" fill="#0b7a75">Agora</text>
<script>document.documentElement.dataset.ran = 'yes'; fetch('/stolen');</script></svg>`;
const background = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><rect width="10" height="10" fill="#9ad"/></svg>`;

let server: Server;
let person: Person;
/** A page of another origin, which shows the meeting in a frame. */
let host: { origin: string; stop(): Promise<void> };

async function startHost() {
  const page = createServer((request, answer) => {
    const frame = new URL(request.url ?? '/', 'http://localhost').searchParams.get('frame') ?? '';
    answer.setHeader('content-type', 'text/html');
    answer.end(
      `<div id="meeting" style="height:500px"></div><script src="${frame}/embed.js"></script>`,
    );
  });
  page.listen(0, '127.0.0.1');
  await once(page, 'listening');
  const { port } = page.address() as AddressInfo;
  return {
    origin: `http://localhost:${port}`,
    async stop() {
      page.closeAllConnections();
      page.close();
      await once(page, 'close');
    },
  };
}

beforeAll(async () => {
  host = await startHost();
  const files = await freePorts();
  await scratch(async (folder) => {
    // The server has read them when it is ready.
    await writeFile(join(folder, 'logo.svg'), logo);
    await writeFile(join(folder, 'background.svg'), background);
    await copyFile(icon, join(folder, 'icon.png'));
    server = await Server.start({
      name: 'branding',
      ports: files,
      config: `
[server]
name = "Agora"
[branding]
logo = "${folder}/logo.svg"
icon = "${folder}/icon.png"
background = "${folder}/background.svg"
headline = { en = "Talk to each other", es = "Hablad" }
welcome = "The school's own rooms."
links = [{ label = { en = "Imprint", es = "Aviso legal" }, href = "https://example.org/imprint" }]
origins = ["${host.origin}"]
light = { accent = "#0b7a75", background = "#eef6f5" }
dark = { accent = "#6cc5bd", background = "#0c1817", surface = "#132423" }
`,
    });
  });
  person = await Person.arrive(server.origin, { name: 'Ana' });
});

afterAll(async () => {
  await person.close();
  await server.stop();
  await host.stop();
});

test('a branded server shows its name, pictures, colours, words and links, and reads them again on SIGHUP', async () => {
  const { page } = person;
  await page.goto(server.origin);
  await page.getByRole('heading', { level: 1, name: 'Talk to each other' }).waitFor();
  expect(await page.title()).toContain('Agora');
  await page
    .getByText('The school’s own rooms.')
    .or(page.getByText("The school's own rooms."))
    .waitFor();
  const imprint = page.getByRole('link', { name: 'Imprint' });
  expect(await imprint.getAttribute('href')).toBe('https://example.org/imprint');
  const sign = page.getByRole('img', { name: 'Agora' });
  expect(await sign.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  const colour = (name: string) =>
    page.evaluate((token) => {
      const probe = document.body.appendChild(document.createElement('i'));
      probe.style.color = `var(--${token})`;
      const found = getComputedStyle(probe).color;
      probe.remove();
      return found;
    }, name);
  await page.emulateMedia({ colorScheme: 'light' });
  expect(await colour('accent')).toBe('rgb(11, 122, 117)');
  await fits(page);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await colour('accent')).toBe('rgb(108, 197, 189)');
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
    ['dark', 360],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    await page.screenshot({ path: join(artifacts, `branding.${colorScheme}.${width}.png`) });
  }
  await page.setViewportSize({ width: 1280, height: 800 });

  // Opened by itself the operator's picture is a picture and nothing more.
  await page.goto(`${server.origin}/branding/logo.svg`);
  expect(await page.evaluate(() => document.documentElement.dataset.ran)).toBeUndefined();

  const file = join(server.folder, 'tertulia.toml');
  const before = await readFile(file, 'utf8');
  await writeFile(
    file,
    before
      .replace('name = "Agora"', 'name = "Forum"')
      .replace(/^(logo|icon|background) = .*$/gm, ''),
  );
  server.signal('SIGHUP');
  await expect
    .poll(async () => (await fetch(server.origin)).text(), { timeout: SOON })
    .toContain('<title>Forum</title>');
  expect((await fetch(`${server.origin}/branding/logo.svg`)).status).toBe(404);
  // What cannot be used leaves all as it is.
  await appendFile(file, '\n[log]\nlevel = 7\n');
  server.signal('SIGHUP');
  await expect
    .poll(() => readFile(join(artifacts, 'branding.server.log'), 'utf8'), { timeout: SOON })
    .toContain('the new branding is no good');
  expect(await (await fetch(server.origin)).text()).toContain('<title>Forum</title>');
});

test('pages of the allowed origin hold a meeting in a frame and hear of it; others are refused', async () => {
  const { page } = person;
  const meeting = async (origin: string) => {
    await page.goto(`${origin}/?frame=${encodeURIComponent(server.origin)}`);
    await page.evaluate((home) => {
      const scope = window as unknown as {
        told: string[];
        Tertulia: new (
          domain: string,
          options: object,
        ) => {
          on(event: string, hear: () => void): void;
        };
      };
      scope.told = [];
      const held = new scope.Tertulia(home, {
        roomName: 'framed',
        parentNode: document.querySelector('#meeting'),
        userInfo: { displayName: 'Ana' },
        configOverwrite: { startWithAudioMuted: true, prejoinConfig: { enabled: false } },
      });
      for (const event of ['ready', 'videoConferenceJoined']) {
        held.on(event, () => scope.told.push(event));
      }
    }, server.origin);
  };
  const told = () => page.evaluate(() => (window as unknown as { told: string[] }).told);
  await meeting(host.origin);
  await expect.poll(told, { timeout: SOON }).toContain('videoConferenceJoined');

  const refusals: string[] = [];
  page.on('console', (message) => refusals.push(message.text()));
  await meeting(host.origin.replace('localhost', '127.0.0.1'));
  await expect
    .poll(() => refusals.join('\n'), { timeout: SOON })
    .toMatch(/frame-ancestors|refused to connect|violates/i);
  expect(await told()).toEqual([]);
});

test('the app can be installed, and its page opens without a network and says so', async () => {
  const { page, context } = person;
  await page.goto(server.origin);
  const devtools = await context.newCDPSession(page);
  const manifest = await devtools.send('Page.getAppManifest');
  expect(manifest.errors).toEqual([]);
  expect(JSON.parse(manifest.data ?? '{}')).toMatchObject({ name: 'Forum', display: 'standalone' });
  const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors');
  // A window without memory, as each of these tests has, installs nothing; that is all there is against it.
  const reasons = installabilityErrors.map(({ errorId }) => errorId);
  expect(reasons.filter((reason) => reason !== 'in-incognito')).toEqual([]);
  await devtools.detach();

  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
  });
  await context.setOffline(true);
  await page.goto(`${server.origin}/Weekly`);
  await page.getByRole('heading', { level: 1 }).first().waitFor({ timeout: SOON });
  await page.getByText('There is no network.').waitFor({ timeout: SOON });
  expect(await page.title()).toContain('Forum');
  await page.screenshot({ path: join(artifacts, 'offline.png') });
  await context.setOffline(false);
  await page.getByText('There is no network.').waitFor({ state: 'hidden', timeout: SOON });
});
