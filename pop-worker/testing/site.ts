import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { wireguardGoCommand } from '#host/wireguard/testing/wireguard-go.ts';
import { ip, Namespaces } from './namespaces.ts';
import { WireGuardDevice, type WireGuardIdentity } from './wireguard-device.ts';
import { EDGE4, EDGE6, type World } from './world.ts';

let made = 0;

/** The commands of docs/wireguard.md by which a site's router chooses its tunnel. */
const failoverScript = (): string => {
  const text = readFileSync(new URL('../../docs/wireguard.md', import.meta.url), 'utf8');
  const below = text.slice(text.indexOf('\n## Sites\n'));
  return /```sh\n(#!\/bin\/sh\n[\s\S]*?)```/.exec(below)?.[1] ?? 'false';
};

/** Of the tenant, as a site's router leads them into its tunnels. */
const TENANT = { red: ['10.64.0.0/10', 'fd00:1::/48'], blue: ['10.64.0.0/10', 'fd00:2::/48'] } as const;

/** What lies behind a site's router: 10.65.N.0/24, and an IPv6 /64 of its tenant. */
export const behind = (tenant: 'red' | 'blue', n: number): readonly [string, string] => [
  `10.65.${n}.0/24`,
  `fd00:${tenant === 'red' ? 1 : 2}:0:${n}::/64`,
];

/** A router with wireguard-go, and a host in the network behind it. */
export class Site {
  /** Of the router, and of the host. */
  readonly namespace: string;
  readonly host: string;
  readonly address4: string;
  readonly address6: string;
  readonly tunnels: WireGuardDevice[] = [];
  readonly #t: Pick<TestContext, 'after'>;
  readonly #namespaces: Namespaces;

  /** @param world to whose worker the router has its first link */
  constructor(t: Pick<TestContext, 'after'>, world: World, tenant: 'red' | 'blue', n: number) {
    this.#t = t;
    this.#namespaces = new Namespaces(`cbs-${process.pid}-${++made}`);
    t.after(() => this.#namespaces.close());
    this.namespace = world.clientNamespace();
    this.host = this.#namespaces.make('h');
    const [net4, net6] = behind(tenant, n).map((prefix) => prefix.replace(/(\.0|:)\/\d+$/, (_, end) => end[0]));
    this.address4 = `${net4}2`;
    this.address6 = `${net6}2`;
    this.#namespaces.link(this.host, 'eth0', this.namespace, 'lan0', [
      [`${this.address4}/24`, `${net4}1/24`],
      [`${this.address6}/64`, `${net6}1/64`],
    ]);
    this.#namespaces.run(this.host, 'ip', 'route', 'add', 'default', 'via', `${net4}1`);
    this.#namespaces.run(this.host, 'ip', 'route', 'add', 'default', 'via', `${net6}1`);
    for (const name of ['ipv4/ip_forward', 'ipv6/conf/all/forwarding'])
      this.#namespaces.run(this.namespace, 'sh', '-c', `echo 1 > /proc/sys/net/${name}`);
  }

  /** A second link of the router, to another world's worker, which is reached by it at its IPv6 address. */
  linkTo(world: World): void {
    const addresses = [`2001:db8:cc:${made}::2/64`, `2001:db8:cc:${made}::1/64`] as const;
    this.#namespaces.link(this.namespace, 'eth1', world.workerNamespace, `site${made}`, [addresses]);
    ip('-n', this.namespace, 'route', 'add', `${EDGE6}/128`, 'via', `2001:db8:cc:${made}::1`);
  }

  /** A tunnel to a worker, by which the tenant's networks are reached with this metric of routes. @param edge of the worker */
  async connect(
    t: Pick<TestContext, 'after'>,
    world: World,
    identity: WireGuardIdentity,
    { edge = EDGE4, metric = 1000 }: { edge?: string; metric?: number } = {},
  ): Promise<WireGuardDevice> {
    const { namespace } = this;
    const routes = TENANT[identity.tenant as 'red' | 'blue'];
    const options = { edge, namespace, command: wireguardGoCommand, routes, metric, keepalive: 25 };
    const tunnel = await WireGuardDevice.start(t, world, identity, options);
    this.tunnels.push(tunnel);
    // What the router itself says by a tunnel's address goes into that one.
    const table = String(100 + this.tunnels.length);
    for (const address of [identity.ipv4, identity.ipv6]) {
      const family = address.includes(':') ? '-6' : '-4';
      ip('-n', namespace, family, 'rule', 'add', 'from', address, 'lookup', table);
      ip('-n', namespace, family, 'route', 'add', 'default', 'dev', tunnel.name, 'table', table);
    }
    return tunnel;
  }

  /**
   * Begins to lead the tenant's networks into the first tunnel by which the edge answers, as docs/wireguard.md has it: the second
   * one's routes have the metric 1010.
   *
   * @param names of the interfaces
   */
  follow([first, second] = this.tunnels.map(({ name }) => name)): void {
    const script = failoverScript().replaceAll('wg0', String(first)).replaceAll('wg1', String(second));
    const run = ['--pdeathsig', 'KILL', '--', 'ip', 'netns', 'exec', this.namespace, 'sh', '-c', script];
    const child = spawn('setpriv', run, { stdio: 'ignore' });
    this.#t.after(() => child.kill('SIGKILL'));
  }

  /** Runs a program at the host behind the router. */
  exec(...command: string[]): Promise<string> {
    return this.#namespaces.exec(this.host, ...command);
  }
}
