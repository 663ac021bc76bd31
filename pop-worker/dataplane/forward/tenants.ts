import { PrefixTable } from '#protocol/ip/prefix-table.ts';
import type { Prefix } from '#protocol/ip/text.ts';

/** Where a tenant's route leads when it leads to no session. */
export const UNREACHABLE = 0x7fffffff;

/** The addresses of one tenant and which session each belongs to. */
export class TenantRoutes {
  readonly name: string;
  readonly #routes4 = new PrefixTable(4);
  readonly #routes6 = new PrefixTable(16);
  #networks: readonly Prefix[] = [];

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
  }

  set({ address, length }: Prefix, target: number): void {
    this.#table(address.length).set(address, length, target);
  }

  /** Takes a route away if it still leads to this target: a device that moved has a newer one. */
  delete(prefix: Prefix, target: number): void {
    if (this.#exact(prefix) !== target) return;
    const isNetwork = this.#networks.some((network) => samePrefix(network, prefix));
    if (isNetwork && target !== UNREACHABLE) this.set(prefix, UNREACHABLE);
    else this.#table(prefix.address.length).delete(prefix.address, prefix.length);
  }

  /** @returns a session, `UNREACHABLE`, or `NO_ROUTE` for what is outside of the tenant */
  lookup(buffer: Uint8Array, at: number, addressBytes: number): number {
    return this.#table(addressBytes).lookup(buffer, at);
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
