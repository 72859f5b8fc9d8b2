// Three kinds of peers behind one face: `await peer.call('publishAudio', {…})`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium, firefox } from 'playwright-core';
import { artifacts } from '../../web/e2e/support/server.mjs';

const here = resolve(import.meta.dirname, '..');
const python = join(here, '../target/tools/interop/bin/python');

/** A peer in a process of its own; requests and answers are lines of JSON. */
class ProcessPeer {
  #child;
  #waiting = new Map();
  #next = 1;

  constructor(kind, program, args) {
    this.kind = kind;
    const child = spawn(program, args, { cwd: here, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    child.stderr.pipe(createWriteStream(join(artifacts, `interop.${kind}.log`), { flags: 'a' }));
    createInterface({ input: child.stdout }).on('line', (line) => this.#answer(line));
    const fail = (reason) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${kind} peer: ${reason}`));
      this.#waiting.clear();
    };
    child.once('error', fail);
    child.once('exit', (code, signal) => fail(`ended (${code ?? signal})`));
  }

  #answer(line) {
    if (!line.startsWith('{')) return;
    const { id, result, error } = JSON.parse(line);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(new Error(`${this.kind} peer: ${error}`));
    else waiting?.resolve(result);
  }

  call(method, params = {}) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.stdin.write(`${JSON.stringify({ id, method, params })}\n`);
    });
  }

  async close() {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.stdin.end();
    const force = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(force);
  }
}

export const pythonPeer = () => new ProcessPeer('python', python, ['peers/python_peer.py']);
export const nodePeer = () => new ProcessPeer('node', process.execPath, ['peers/node_peer.mjs']);
export const adminPeer = () => new ProcessPeer('admin', python, ['peers/admin.py']);

/** A page with a client's library, on another origin than the server, so that CORS is part of the test. */
class BrowserPeer {
  constructor(kind, browser, page, site) {
    this.kind = kind;
    this.browser = browser;
    this.page = page;
    this.site = site;
  }

  call(method, params = {}) {
    return this.page.evaluate(([name, value]) => window.peer[name](value), [method, params]);
  }

  async close() {
    await this.browser.close();
    this.site.close();
  }
}

const launchers = {
  chromium: () =>
    chromium.launch({
      executablePath: process.env.TERTULIA_CHROMIUM ?? '/usr/bin/chromium',
      headless: true,
      args: [
        '--no-sandbox',
        '--autoplay-policy=no-user-gesture-required',
        '--use-fake-device-for-media-stream=fps=20',
        '--use-fake-ui-for-media-stream',
        '--disable-features=WebRtcHideLocalIpsWithMdns',
      ],
    }),
  firefox: () =>
    firefox.launch({
      channel: 'moz-firefox',
      executablePath: process.env.TERTULIA_FIREFOX ?? '/usr/bin/firefox-esr',
      headless: true,
      firefoxUserPrefs: {
        'media.navigator.streams.fake': true,
        'media.navigator.permission.disabled': true,
        'media.autoplay.default': 0,
        'media.peerconnection.ice.obfuscate_host_addresses': false,
        'media.peerconnection.ice.loopback': true,
      },
    }),
};

/** Opens a page with these scripts in their order, each a file or an address. */
async function pageWith(kind, scripts, { engine = 'chromium', query = '' } = {}) {
  const isFile = (script) => script.startsWith('/');
  const sources = scripts.map((script, index) => (isFile(script) ? `/script-${index}.js` : script));
  const tags = sources.map((source) => `<script src="${source}"></script>`).join('');
  const site = createServer(async (request, response) => {
    const path = request.url.split('?')[0];
    const file = scripts.filter(isFile).find((script) => path === sources[scripts.indexOf(script)]);
    if (path === '/') {
      response.writeHead(200, { 'content-type': 'text/html' });
      return response.end(`<!doctype html><title>Peer</title><body>${tags}`);
    }
    response.writeHead(file ? 200 : 404, { 'content-type': 'text/javascript' });
    response.end(file ? await readFile(file) : '');
  });
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  const browser = await launchers[engine]();
  const page = await browser.newPage();
  const log = createWriteStream(join(artifacts, `interop.${kind}.log`), { flags: 'a' });
  page.on('console', (message) => log.write(`${message.text()}\n`));
  page.on('pageerror', (error) => log.write(`page error: ${error.stack ?? error}\n`));
  await page.goto(`http://localhost:${site.address().port}/${query}`);
  return new BrowserPeer(kind, browser, page, site);
}

export const browserPeer = () =>
  pageWith('browser', [
    join(here, 'node_modules/livekit-client/dist/livekit-client.umd.js'),
    join(here, 'peers/page.js'),
  ]);

/** Where a build of lib-jitsi-meet lies, which is not part of this repository. */
export const jitsiBundle = process.env.TERTULIA_LJM_BUNDLE;

/** A page with lib-jitsi-meet, set up by the `config.js` of a server. */
export const jitsiPeer = (origin, options = {}) =>
  pageWith('jitsi', [jitsiBundle, `${origin}/config.js`, join(here, 'peers/jitsi.js')], options);
