import type { WireguardPeer } from '#proto/gen/cloudbridge/v1/record_pb.ts';

const networkOf = ({ tenant, network }: WireguardPeer): string => `${tenant}.${network}`;

/** Records of those who come by WireGuard, by `<tenant>.<device>`, and which networks let their devices out. */
export class PeerRecords {
  readonly #records = new Map<string, WireguardPeer>();
  /** Names of the records of each network, `<tenant>.<network>`. */
  readonly #ofNetwork = new Map<string, Set<string>>();
  readonly #egress = new Set<string>();

  get all(): ReadonlyMap<string, WireguardPeer> {
    return this.#records;
  }

  /** @param record undefined: it comes by WireGuard no more @returns whether there was one, or is */
  set(name: string, record: WireguardPeer | undefined): boolean {
    const before = this.#records.get(name);
    if (before !== undefined) this.#leave(name, networkOf(before));
    if (record === undefined) return this.#records.delete(name);
    this.#records.set(name, record);
    const network = networkOf(record);
    const names = this.#ofNetwork.get(network);
    if (names === undefined) this.#ofNetwork.set(network, new Set([name]));
    else names.add(name);
    return true;
  }

  #leave(name: string, network: string): void {
    const names = this.#ofNetwork.get(network);
    names?.delete(name);
    if (names?.size === 0) this.#ofNetwork.delete(network);
  }

  hasEgress(tenant: string, network: string): boolean {
    return this.#egress.has(`${tenant}.${network}`);
  }

  /** @returns names of the records that it is another for */
  setEgress(tenant: string, network: string, egress: boolean): Iterable<string> {
    const key = `${tenant}.${network}`;
    if (this.#egress.has(key) === egress) return [];
    if (egress) this.#egress.add(key);
    else this.#egress.delete(key);
    return this.#ofNetwork.get(key) ?? [];
  }
}
