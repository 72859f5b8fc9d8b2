import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { endWithUs } from './server.mjs';

const root = resolve(import.meta.dirname, '../../..');
const binary = process.env.TERTULIA_NETSIM ?? join(root, 'target/release/tertulia-netsim');

/** What one direction of one client did; see docs/netsim.md. */
export interface Flow {
  offered: number;
  delivered: number;
  delivered_bytes: number;
  lost: number;
  dropped: number;
  recent_wait_ms: number;
  longest_wait_ms: number;
}

/** The relay's figures. */
export interface NetsimStats {
  seed: number;
  udp: {
    /** `relay_port` is the one the server sees, and a browser finds in its statistics. */
    clients: { port: number; relay_port: number; up: Flow; down: Flow }[];
    late_mean_ms: number;
    late_max_ms: number;
  };
}

/** A running network between browsers and a server. */
export class Netsim {
  private constructor(
    readonly port: number,
    private readonly child: ChildProcessByStdio<Writable, Readable, null>,
    private readonly answers: AsyncIterator<string>,
    private readonly lines: Interface,
  ) {}

  /** Starts a relay to a UDP port of this machine. */
  static async start(target: number, options: string[] = []): Promise<Netsim> {
    const child = spawn(binary, ['--target', `127.0.0.1:${target}`, ...options], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    endWithUs(child);
    await once(child, 'spawn').catch((error) => {
      throw new Error(`${binary}: ${error}; make netsim`);
    });
    const lines = createInterface({ input: child.stdout });
    const answers = lines[Symbol.asyncIterator]();
    const ready = JSON.parse((await answers.next()).value ?? '{}');
    if (!ready.udp_port) throw new Error(`netsim: ${ready.error ?? 'ended'}`);
    return new Netsim(ready.udp_port, child, answers, lines);
  }

  /** Gives one command and its answer. Commands are answered in their order. */
  async ask(command: string): Promise<unknown> {
    this.child.stdin.write(`${command}\n`);
    const { value, done } = await this.answers.next();
    if (done) throw new Error('netsim has ended');
    const answer = JSON.parse(value);
    if (answer.error) throw new Error(`netsim: ${command}: ${answer.error}`);
    return answer;
  }

  async stats(): Promise<NetsimStats> {
    return (await this.ask('stats')) as NetsimStats;
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.stdin.end();
    await ended;
    this.lines.close();
  }
}
