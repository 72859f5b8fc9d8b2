// Three kinds of peers behind one face: `await peer.call('publishAudio', {…})`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
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

/** A page with livekit-client, on another origin than the server, so that CORS is part of the test. */
class BrowserPeer {
  kind = 'browser';

  constructor(browser, page, site) {
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

export async function browserPeer() {
  const files = {
    '/': [
      'text/html',
      () =>
        '<!doctype html><title>Peer</title><script src="/sdk.js"></script><script src="/peer.js"></script>',
    ],
    '/sdk.js': [
      'text/javascript',
      () => readFile(join(here, 'node_modules/livekit-client/dist/livekit-client.umd.js')),
    ],
    '/peer.js': ['text/javascript', () => readFile(join(here, 'peers/page.js'))],
  };
  const site = createServer(async (request, response) => {
    const file = files[request.url];
    response.writeHead(file ? 200 : 404, { 'content-type': file?.[0] ?? 'text/plain' });
    response.end(file ? await file[1]() : '');
  });
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  const browser = await chromium.launch({
    executablePath: process.env.TERTULIA_CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: [
      '--no-sandbox',
      '--autoplay-policy=no-user-gesture-required',
      '--disable-features=WebRtcHideLocalIpsWithMdns',
    ],
  });
  const page = await browser.newPage();
  page.on('console', (message) => log.write(`${message.text()}\n`));
  const log = createWriteStream(join(artifacts, 'interop.browser.log'), { flags: 'a' });
  await page.goto(`http://localhost:${site.address().port}/`);
  return new BrowserPeer(browser, page, site);
}
