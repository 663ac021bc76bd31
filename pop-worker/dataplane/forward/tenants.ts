import { PrefixTable } from '#protocol/ip/prefix-table.ts';
import { formatPrefix, type Prefix } from '#protocol/ip/text.ts';
import { prefixContains } from '#protocol/masque/target-policy.ts';

/** Where a tenant's route leads when it leads to no session. */
export const UNREACHABLE = 0x7fffffff;

/** One of several devices that a prefix lies behind, as behind the two routers of a site. */
interface Candidate {
  readonly device: string;
  readonly target: number;
  readonly rank: number;
}

/** The addresses of one tenant and which session each belongs to. */
export class TenantRoutes {
  readonly name: string;
  readonly #routes4 = new PrefixTable(4);
  readonly #routes6 = new PrefixTable(16);
  #networks: readonly Prefix[] = [];
  /** The edge's own address in each network. */
  #gateways: readonly Uint8Array[] = [];
  /** By prefix, the devices of sites that it lies behind, the one that has it first. */
  readonly #candidates = new Map<string, Candidate[]>();

  constructor(name: string) {
    this.name = name;
  }

  /** The tenant's own prefixes: what lies in them and has no session is unreachable, never the internet. */
  setNetworks(networks: readonly Prefix[]): void {
    for (const prefix of this.#networks) this.delete(prefix, UNREACHABLE);
    for (const prefix of networks) {
      if (this.#exact(prefix) < 0) this.set(prefix, UNREACHABLE);
    }
    this.#networks = networks;
    this.#gateways = networks.flatMap((network) => gatewayOf(network) ?? []);
  }

  /** Whether an address is the edge's own in one of the networks: their first host, which no device has. */
  isGateway(buffer: Uint8Array, at: number, addressBytes: number): boolean {
    return this.#gateways.some((own) => own.length === addressBytes && own.every((byte, i) => byte === buffer[at + i]));
  }

  /** The edge's own address, for who may send to all but these. @returns undefined when there is none */
  gatewayBeside(sources: readonly Prefix[], addressBytes: number): Uint8Array | undefined {
    return this.#gateways.find(
      (own) => own.length === addressBytes && !sources.some((source) => prefixContains(source, own)),
    );
  }

  /**
   * Leads to a device of a site. Of those that have the prefix the one of the lowest rank gets it; of equal ones the one that
   * came last.
   */
  setRanked(prefix: Prefix, device: string, target: number, rank: number): void {
    const key = formatPrefix(prefix);
    const others = (this.#candidates.get(key) ?? []).filter((one) => one.device !== device);
    const place = others.findIndex((one) => one.rank >= rank);
    others.splice(place < 0 ? others.length : place, 0, { device, target, rank });
    this.#candidates.set(key, others);
    this.set(prefix, (others[0] as Candidate).target);
  }

  /** @returns where exactly this prefix leads, below 0: nowhere */
  exact(prefix: Prefix): number {
    return this.#exact(prefix);
  }

  set({ address, length }: Prefix, target: number): void {
    this.#table(address.length).set(address, length, target);
  }

  /** Takes a route away if it still leads to this target: a device that moved has a newer one. */
  delete(prefix: Prefix, target: number): void {
    const next = this.#nextOf(prefix, target);
    if (this.#exact(prefix) !== target) return;
    if (next !== undefined) {
      this.set(prefix, next);
      return;
    }
    const isNetwork = this.#networks.some((network) => samePrefix(network, prefix));
    if (isNetwork && target !== UNREACHABLE) this.set(prefix, UNREACHABLE);
    else this.#table(prefix.address.length).delete(prefix.address, prefix.length);
  }

  /** @returns a session, `UNREACHABLE`, or `NO_ROUTE` for what is outside of the tenant */
  lookup(buffer: Uint8Array, at: number, addressBytes: number): number {
    return this.#table(addressBytes).lookup(buffer, at);
  }

  /** Who of a site gets a prefix once this one has it no more. */
  #nextOf(prefix: Prefix, target: number): number | undefined {
    if (this.#candidates.size === 0) return undefined;
    const key = formatPrefix(prefix);
    const left = this.#candidates.get(key)?.filter((one) => one.target !== target);
    if (left === undefined) return undefined;
    if (left.length === 0) this.#candidates.delete(key);
    else this.#candidates.set(key, left);
    return left[0]?.target;
  }

  #exact({ address, length }: Prefix): number {
    return this.#table(address.length).get(address, length);
  }

  #table(addressBytes: number): PrefixTable {
    return addressBytes === 4 ? this.#routes4 : this.#routes6;
  }
}

const samePrefix = (a: Prefix, b: Prefix): boolean =>
  a.length === b.length && a.address.length === b.address.length && a.address.every((byte, i) => byte === b.address[i]);

/** The first host of a network, which is the edge's own (`model/addresses.ts`). @returns undefined when it has none */
const gatewayOf = ({ address, length }: Prefix): Uint8Array | undefined => {
  if (length > 8 * address.length - 2) return undefined;
  const gateway = address.slice();
  gateway[address.length - 1] = (gateway[address.length - 1] as number) | 1;
  return gateway;
};
