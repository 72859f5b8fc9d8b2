import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * A network from which this machine is reached over 443/tcp alone: a namespace of the kernel behind another one that
 * translates addresses and drops everything else, as the firewalls of offices and hotels do.
 */
export class WalledNetwork {
  private constructor(
    private readonly client: string,
    private readonly router: string,
    private readonly folder: string,
    /** This machine's address towards it. */
    readonly outside: string,
  ) {}

  /** Sets it up; a text says why that cannot be done here. */
  static async setUp(): Promise<WalledNetwork | string> {
    const id = `${process.pid}x${randomInt(1000)}`;
    // From the block for tests between networks (RFC 2544), so that nothing real is hidden.
    const net = `198.18.${randomInt(1, 255)}`;
    const folder = await mkdtemp(join(tmpdir(), 'tertulia-walled-'));
    const network = new WalledNetwork(`ttc${id}`, `ttr${id}`, folder, `${net}.1`);
    try {
      // What this machine does not allow shows here; whatever fails later is a fault.
      await run('nft', ['--version']);
      await run('ip', ['netns', 'add', network.router]);
    } catch (error) {
      await network.takeDown();
      return `networks cannot be made here (root, iproute2 and nftables are needed): ${error}`;
    }
    try {
      await network.build(`tt${id}`, net);
      return network;
    } catch (error) {
      await network.takeDown();
      throw error;
    }
  }

  /** A program that runs another inside. */
  async wrapped(program: string): Promise<string> {
    const path = join(this.folder, 'inside');
    await writeFile(path, `#!/bin/sh\nexec ip netns exec ${this.client} ${program} "$@"\n`);
    await chmod(path, 0o755);
    return path;
  }

  /** Takes it away with all that is in it. */
  async takeDown(): Promise<void> {
    for (const name of [this.client, this.router]) {
      // What could not be made need not be removed.
      await run('ip', ['netns', 'del', name]).catch(() => undefined);
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  private async build(link: string, net: string): Promise<void> {
    const ip = (text: string) => run('ip', text.split(' '));
    const { client, router } = this;
    await ip(`netns add ${client}`);
    await ip(`link add ${link} type veth peer name out netns ${router}`);
    await ip(`-n ${router} link add in type veth peer name eth netns ${client}`);
    await ip(`addr add ${net}.1/30 dev ${link}`);
    await ip(`link set ${link} up`);
    await ip(`-n ${router} addr add ${net}.2/30 dev out`);
    await ip(`-n ${router} addr add 10.99.0.1/24 dev in`);
    await ip(`-n ${router} link set out up`);
    await ip(`-n ${router} link set in up`);
    await ip(`-n ${client} addr add 10.99.0.2/24 dev eth`);
    await ip(`-n ${client} link set lo up`);
    await ip(`-n ${client} link set eth up`);
    await ip(`-n ${client} route add default via 10.99.0.1`);
    await ip(`netns exec ${router} sysctl -qw net.ipv4.ip_forward=1`);
    const rules = join(this.folder, 'rules');
    await writeFile(
      rules,
      `table ip wall {
        chain forward { type filter hook forward priority 0; policy drop;
          ct state established accept;
          iifname "in" tcp dport 443 accept;
        }
        chain input { type filter hook input priority 0; policy drop; }
        chain post { type nat hook postrouting priority 100;
          oifname "out" masquerade;
        }
      }`,
    );
    await ip(`netns exec ${router} nft -f ${rules}`);
  }
}
