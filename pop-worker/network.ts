import { refusedPrefixes } from '#dataplane/refused.ts';
import { Nat } from '#host/nft/nat.ts';
import { type NatCounter, tableName } from '#host/nft/ruleset.ts';
import { addRoutes, isLinkUp, removeRoute, restoreRoutes, setLinkUp } from '#host/routes/routes.ts';
import { forwardingOff, hasIpv6, inNamedNamespace, setForwarding } from '#host/sysctl/forwarding.ts';
import { formatPrefix, type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import type { LabelsOf } from '#telemetry/metrics.ts';
import type { WorkerConfig } from './config.ts';
import { fleetOf } from './nat-settings.ts';
import { probePrefix6, probeRoutes } from './probe-routes.ts';
import { StartError } from './start-error.ts';

const prefixesOf = (texts: readonly string[]): Prefix[] => texts.flatMap((text) => parsePrefix(text) ?? []);

/** What of it was gone and is there again. */
export type Mended = LabelsOf<'cloudbridge_network_repairs_total'>['what'];

/** What a look at it has found. */
export interface Mending {
  readonly mended: readonly Mended[];
  /** The first that cannot be put back, in words. */
  readonly fault: string | undefined;
}

/** What the kernel does for a worker: forwarding, the TUN's link and routes, its own table in nftables. */
class KernelNetwork {
  readonly #tun: WorkerConfig['tun'];
  readonly #proxy: WorkerConfig['proxy'];
  /** Outside addresses of devices. */
  readonly #outside: readonly string[];
  readonly #nat: Nat;
  readonly #tenants = new Map<string, readonly string[]>();
  readonly #probePrefix6: string;
  #device: string | undefined;
  #probed: readonly (4 | 6)[] = [];
  #installed = false;

  constructor(config: Pick<WorkerConfig, 'worker' | 'tun' | 'proxy' | 'nat44'>) {
    const { worker, tun, proxy, nat44 } = config;
    this.#probePrefix6 = probePrefix6(config);
    this.#tun = tun;
    this.#proxy = proxy;
    this.#outside = nat44 === undefined ? [] : fleetOf(nat44);
    this.#nat = new Nat({
      table: tableName(worker),
      device: tun.name,
      carriers: tun.carriers,
      router4: tun.router4,
      router6: tun.router6,
      masquerade: tun.masquerade,
      routed6: tun.routed6,
      outside: this.#outside,
      probes: probeRoutes(config),
      refused: this.#refused([]),
      allowed: proxy.allowed,
    });
  }

  #refused(byFleet: readonly string[]): string[] {
    const { refused, allowed } = this.#proxy;
    return refusedPrefixes(prefixesOf([...refused, ...byFleet]), prefixesOf(allowed)).map(formatPrefix);
  }

  /** Refuses what the fleet refuses besides the worker's own. @throws ToolError */
  async setRefused(byFleet: readonly string[]): Promise<void> {
    await this.#nat.setRefused(this.#refused(byFleet));
  }

  /** Sees to it that the kernel forwards. @throws StartError */
  forward(): void {
    const off = forwardingOff();
    if (off.length === 0) return;
    const settings = off.map((name) => `${name}=1`).join(' ');
    if (!this.#tun.set_forwarding && !inNamedNamespace()) {
      const mend = `run \`sysctl -w ${settings}\` (and put it into /etc/sysctl.d), or set [tun] set_forwarding = true`;
      throw new StartError(`the kernel does not forward packets: ${mend}`);
    }
    try {
      setForwarding();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new StartError(
        `the kernel's forwarding cannot be turned on (${code}): run \`sysctl -w ${settings}\` as root`,
      );
    }
  }

  /** @param device the TUN, which is open @throws ToolError, KernelRefusal */
  async up(device: string): Promise<void> {
    this.#device = device;
    setLinkUp(device, this.#tun.mtu);
    await this.#nat.install();
    this.#installed = true;
    // Where there is no IPv6, none of it is tried.
    this.#probed = hasIpv6(device) ? [4, 6] : [4];
    addRoutes(device, this.#routes());
  }

  /** Besides those of tenants. */
  #routes(): string[] {
    return [this.#tun.carriers, ...this.#outside, ...(this.#probed.includes(6) ? [this.#probePrefix6] : [])];
  }

  /** Versions of IP that probes can go by. */
  get probed(): readonly (4 | 6)[] {
    return this.#probed;
  }

  /**
   * Puts back what others have taken away: forwarding, the TUN's link and routes, the table in nftables.
   *
   * @param isWhole also what takes long to look at: tenants' routes, and the table. Where a route was gone, all are looked at
   */
  async mend(isWhole: boolean): Promise<Mending> {
    const device = this.#device;
    const mended = new Set<Mended>();
    let fault: string | undefined;
    const attempt = async (what: Mended, isMended: () => boolean | Promise<boolean>): Promise<void> => {
      try {
        if (await isMended()) mended.add(what);
      } catch (error) {
        fault ??= (error as Error).message;
      }
    };
    if (device === undefined) return { mended: [], fault };
    await attempt('forwarding', () => {
      const isOff = forwardingOff().length > 0;
      if (isOff) this.forward();
      return isOff;
    });
    await attempt('link', () => {
      const isDown = !isLinkUp(device);
      if (isDown) setLinkUp(device, this.#tun.mtu);
      return isDown;
    });
    await attempt('routes', () => restoreRoutes(device, this.#routes()) > 0);
    if (isWhole || mended.size > 0) {
      await attempt('routes', () => restoreRoutes(device, [...this.#tenants.values()].flat()) > 0);
    }
    if (isWhole) await attempt('nftables', () => this.#nat.restore());
    return { mended: [...mended], fault };
  }

  /** Lets a tenant's IPv6 networks out and back in; IPv4 goes by carriers. @throws ToolError, KernelRefusal */
  async setTenant(tenant: string, prefixes: readonly string[]): Promise<void> {
    const before = this.#tenants.get(tenant) ?? [];
    const after = prefixes.filter((prefix) => prefix.includes(':'));
    if (after.length === 0) this.#tenants.delete(tenant);
    else this.#tenants.set(tenant, after);
    const device = this.#device;
    if (device === undefined) return;
    const added = after.filter((prefix) => !before.includes(prefix));
    const removed = before.filter((prefix) => !after.includes(prefix));
    addRoutes(device, added);
    await this.#nat.addTenants(added);
    for (const prefix of removed) removeRoute(device, prefix);
    await this.#nat.removeTenants(removed);
  }

  /** Of the table in nftables; undefined while there is none. @throws ToolError */
  async counters(): Promise<Record<NatCounter, number> | undefined> {
    return this.#installed ? this.#nat.counters() : undefined;
  }

  /** Removes the table; routes end with the TUN. @throws ToolError */
  async down(): Promise<void> {
    this.#device = undefined;
    if (!this.#installed) return;
    this.#installed = false;
    await this.#nat.remove();
  }
}

export type WorkerNetwork = Pick<KernelNetwork, keyof KernelNetwork>;

/** For a worker without a TUN, which needs nothing of the kernel. */
const NOTHING: WorkerNetwork = {
  forward: () => {},
  up: async () => {},
  setTenant: async () => {},
  setRefused: async () => {},
  counters: async () => undefined,
  probed: [],
  mend: async () => ({ mended: [], fault: undefined }),
  down: async () => {},
};

export const networkOf = (config: WorkerConfig): WorkerNetwork =>
  config.tun.enabled ? new KernelNetwork(config) : NOTHING;
