import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { privateKeyOf, rawPublicKey } from '#host/wireguard/x25519.ts';
import type { DeviceIdentity } from './issuer.ts';
import { EDGE4, type World } from './world.ts';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
export const WIREGUARD_PORT = 51_820;
const ROUTES = ['203.0.113.0/24', '2001:db8:f::/64', '10.64.0.0/10', 'fd00:1::/48', 'fd00:2::/48'];

/** Of the fleet. */
export const WORKER_KEY = new Uint8Array(32).fill(200);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const publicOf = (privateKey: Uint8Array): Uint8Array => rawPublicKey(privateKeyOf(privateKey));

let made = 0;

/** A device's own key, and its number in the fleet. */
export interface WireGuardIdentity extends DeviceIdentity {
  readonly number: number;
  readonly presharedKey?: Uint8Array;
  /** Prefixes behind it. */
  readonly networks?: readonly string[];
  readonly site?: string;
  readonly metric?: number;
  readonly probe?: string;
  readonly keepaliveSeconds?: number;
}

/** @param number 1 to 199 */
const privateKey = ({ number }: WireGuardIdentity): Uint8Array => new Uint8Array(32).fill(number);

export const wireguard = (identity: DeviceIdentity, number: number): WireGuardIdentity => ({ ...identity, number });

/** What the worker is told of them. */
export const peersOf = (identities: readonly WireGuardIdentity[]): object[] =>
  identities.map((identity) => {
    const { tenant, device, number, ipv4, ipv6, egress = true, presharedKey } = identity;
    const { networks = [], site, metric, probe, keepaliveSeconds } = identity;
    const sources = [`${ipv4}/32`, `${ipv6}/128`, ...networks];
    const secret = presharedKey === undefined ? {} : { presharedKey: base64(presharedKey) };
    return {
      ...{ tenant, device, number, sources, egress, site, metric, probe, keepaliveSeconds },
      ...secret,
      publicKey: base64(publicOf(privateKey(identity))),
    };
  });

/** Writes who comes by WireGuard, which the worker reads at its start and at SIGHUP. */
export const writePeers = (world: World, identities: readonly WireGuardIdentity[]): void =>
  writeFileSync(path.join(world.folder, 'peers.json'), JSON.stringify(peersOf(identities)), { mode: 0o600 });

/** Writes the files that the worker's `[wireguard]` names. @returns a line of `[static]`, and that section */
export const withWireGuard = (world: World, identities: readonly WireGuardIdentity[]): [string, string] => {
  writeFileSync(path.join(world.folder, 'wireguard.key'), base64(WORKER_KEY), { mode: 0o600 });
  writePeers(world, identities);
  return ['wireguard = "peers.json"\n', '[wireguard]\nprivate_key_file = "wireguard.key"\n'];
};

const EVERYTHING = ['0.0.0.0/0', '::/0'];

/** The edge as a client's one peer. */
const edgeLines = (
  edge: string,
  key: Uint8Array,
  { presharedKey = new Uint8Array(32) }: WireGuardIdentity,
  allowed: readonly string[] = EVERYTHING,
): string[] => {
  const host = edge.includes(':') ? `[${edge}]` : edge;
  return [
    ...[`public_key=${hex(publicOf(key))}`, `preshared_key=${hex(presharedKey)}`, `endpoint=${host}:${WIREGUARD_PORT}`],
    ...allowed.map((prefix) => `allowed_ip=${prefix}`),
  ];
};

const OURS = [process.execPath, MAIN, 'wireguard', 'run', '--foreground'];

/** A stock client, `cloudbridge wireguard run` by default, set up by its socket alone. */
export class WireGuardDevice {
  readonly namespace: string;
  readonly name = `cwd${process.pid % 100_000}x${made++}`;
  readonly #child: ChildProcess;

  private constructor(t: Pick<TestContext, 'after'>, namespace: string, command: readonly string[]) {
    this.namespace = namespace;
    const inside = ['--pdeathsig', 'KILL', '--', 'ip', 'netns', 'exec', namespace];
    this.#child = spawn('setpriv', [...inside, ...command, this.name], { stdio: 'ignore' });
    t.after(() => {
      this.#child.kill('SIGKILL');
      rmSync(this.#socket, { force: true });
    });
  }

  get #socket(): string {
    return `/var/run/wireguard/${this.name}.sock`;
  }

  /** A device in a namespace of its own, which sends nothing before it is asked to. @param command its name comes behind it */
  static async start(
    t: Pick<TestContext, 'after'>,
    world: World,
    identity: WireGuardIdentity,
    {
      edge = EDGE4,
      namespace = world.clientNamespace(),
      command = OURS,
      routes = ROUTES,
      metric = 0,
      keepalive = 0,
      edgeKey = WORKER_KEY,
    }: {
      edge?: string;
      namespace?: string;
      command?: readonly string[];
      routes?: readonly string[];
      metric?: number;
      keepalive?: number;
      edgeKey?: Uint8Array;
    } = {},
  ): Promise<WireGuardDevice> {
    const device = new WireGuardDevice(t, namespace, command);
    await world.until('the client answers', async () => (await device.ask('get=1').catch(() => [])).length > 0);
    await device.ask(
      'set=1',
      `private_key=${hex(privateKey(identity))}`,
      ...edgeLines(edge, edgeKey, identity, routes === ROUTES ? EVERYTHING : routes),
      `persistent_keepalive_interval=${keepalive}`,
    );
    for (const address of [`${identity.ipv4}/32`, `${identity.ipv6}/128`]) {
      const nodad = address.includes(':') ? ['nodad'] : [];
      world.run(namespace, 'ip', 'address', 'add', address, 'dev', device.name, ...nodad);
    }
    // No address of its link alone, from which it would ask for routers.
    world.run(namespace, 'sh', '-c', `echo 1 > /proc/sys/net/ipv6/conf/${device.name}/addr_gen_mode`);
    world.run(namespace, 'ip', 'link', 'set', device.name, 'up');
    const more = metric === 0 ? [] : ['metric', String(metric)];
    for (const route of routes) world.run(namespace, 'ip', 'route', 'add', route, 'dev', device.name, ...more);
    return device;
  }

  /** Its configuration names another key of the edge. */
  async rekey(edgeKey: Uint8Array, identity: WireGuardIdentity, edge = EDGE4): Promise<void> {
    await this.ask('set=1', 'replace_peers=true', ...edgeLines(edge, edgeKey, identity));
  }

  /** An operation at its socket. @returns lines of the answer */
  async ask(...lines: string[]): Promise<string[]> {
    const socket = createConnection(this.#socket);
    socket.write(`${lines.join('\n')}\n\n`);
    let answer = '';
    for await (const part of socket) {
      answer += String(part);
      if (answer.endsWith('\n\n')) break;
    }
    socket.destroy();
    const all = answer.trim().split('\n');
    if (all.at(-1) !== 'errno=0') throw new Error(`the client answers ${answer}`);
    return all;
  }
}
