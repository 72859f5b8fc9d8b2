// Starts the release binary on free ports with a data directory of its own, and ends it by its process id.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');
/** The program under test. */
export const binary = process.env.TERTULIA_BINARY ?? join(root, 'target/release/tertulia');

/** Where servers' logs, screenshots and traces of failed tests go. */
export const artifacts = join(root, 'target/e2e');

/** The pair that `--dev` brings. */
export const devKey = { key: 'devkey', secret: 'secret' };

/** @returns {Promise<number>} a TCP port that nobody listens on at the moment */
export async function freePort() {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address());
  probe.close();
  await once(probe, 'close');
  return port;
}

/** @returns {Promise<number>} the first of two neighbouring free UDP ports, one for each media worker */
async function freeUdpPair() {
  const bound = async (/** @type {number} */ port) => {
    const socket = createSocket('udp4');
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    return socket;
  };
  for (;;) {
    const first = await bound(0);
    const { port } = first.address();
    const second = await bound(port + 1).catch(() => undefined);
    first.close();
    second?.close();
    if (second) return port;
  }
}

/** @typedef {{http: number, udp: number, tcp: number, metrics: number}} Ports */

/** Ends a child at the latest with this process. @param {import('node:child_process').ChildProcess} child */
export function endWithUs(child) {
  process.once('exit', () => child.kill('SIGKILL'));
}

/** @returns {Promise<Ports>} free ports for a whole server */
export async function freePorts() {
  return {
    http: await freePort(),
    udp: await freeUdpPair(),
    tcp: await freePort(),
    metrics: await freePort(),
  };
}

/** @returns {string | undefined} an address of this machine that is not loopback */
export function outsideAddress() {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find((entry) => entry.family === 'IPv4' && !entry.internal)?.address;
}

export class Server {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  /** @type {import('node:fs').WriteStream} */
  #log;
  #arguments;

  /**
   * @param {string} folder
   * @param {Ports} ports
   * @param {string} origin
   * @param {string[]} args
   * @param {import('node:fs').WriteStream} log
   */
  constructor(folder, ports, origin, args, log) {
    this.folder = folder;
    this.ports = ports;
    /** What browsers open: loopback, hence a secure context, or HTTPS. */
    this.origin = origin;
    this.#arguments = args;
    this.#log = log;
  }

  /**
   * Starts a server.
   * @param {{name: string, config?: string, ports?: Ports, media?: string, origin?: string}} options `name` names the
   *   log; `config` is added to the file, `media` takes the place of the two workers, `origin` that of loopback
   */
  static async start({ name, config = '', ports: chosen, media, origin }) {
    await mkdir(artifacts, { recursive: true });
    const folder = await mkdtemp(join(tmpdir(), 'tertulia-'));
    const ports = chosen ?? (await freePorts());
    const file = join(folder, 'tertulia.toml');
    await writeFile(file, `${configuration(folder, ports, media)}\n${config}`);
    const log = createWriteStream(join(artifacts, `${name}.server.log`));
    const place = origin ?? `http://localhost:${ports.http}`;
    const server = new Server(folder, ports, place, ['serve', '--dev', '--config', file], log);
    await server.#spawn();
    return server;
  }

  /** Ends the process with a signal (`SIGKILL` for a crash), and starts it again on the same ports and data. */
  async restart(/** @type {NodeJS.Signals} */ signal = 'SIGTERM') {
    await this.#end(signal);
    await this.#spawn();
  }

  /** Sends the process a signal that does not end it. */
  signal(/** @type {NodeJS.Signals} */ signal) {
    this.#child?.kill(signal);
  }

  /** Ends the process and removes its data. */
  async stop() {
    await this.#end('SIGTERM');
    await rm(this.folder, { recursive: true, force: true });
    this.#log.end();
  }

  async #spawn() {
    const child = spawn(binary, this.#arguments, {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: this.folder,
    });
    this.#child = child;
    child.stdout.pipe(this.#log, { end: false });
    child.stderr.pipe(this.#log, { end: false });
    /** @type {Error | undefined} */
    let failure;
    endWithUs(child);
    child.once('error', (error) => {
      failure = error;
    });
    child.once('exit', (code, signal) => {
      failure ??= new Error(`the server ended (${code ?? signal}); see ${this.#log.path}`);
    });
    const deadline = Date.now() + 15_000;
    for (;;) {
      if (failure) throw failure;
      const answer = await fetch(`http://127.0.0.1:${this.ports.http}/readyz`).catch(
        () => undefined,
      );
      if (answer?.ok) return;
      if (Date.now() > deadline) throw new Error('the server is not ready after 15 s');
      // Nothing to listen on before the port is open: ask again on the next tick of a timer.
      await new Promise((wake) => setTimeout(wake, 25));
    }
  }

  async #end(/** @type {NodeJS.Signals} */ signal) {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const force = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await ended;
    clearTimeout(force);
  }
}

/**
 * The configuration of a server of its own.
 * @param {string} folder
 * @param {Ports} ports
 * @param {string} [media] what is said of media beside its ports
 */
export function configuration(folder, ports, media = 'workers = 2') {
  return `
data_dir = "${folder}/data"

[http]
listen = "0.0.0.0:${ports.http}"

[media]
udp_port = ${ports.udp}
tcp_port = ${ports.tcp}
${media}

[metrics]
listen = "127.0.0.1:${ports.metrics}"
`;
}
