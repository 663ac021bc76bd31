import { randomInt } from 'node:crypto';
import { NetlinkMonitor } from '#host/netlink/monitor.ts';
import { NetlinkRequests } from '#host/netlink/requests.ts';
import { UNREACHABLE } from '#protocol/bgp/rib/next-hops.ts';
import { NO_PREFIX, PrefixTable } from '#protocol/bgp/rib/prefix-table.ts';
import { Family } from '#protocol/netlink/family.ts';
import { newRoute, type Route, RouteProtocol, RouteType, Table } from '#protocol/netlink/route.ts';

/** What the kernel tells is waited for so long before its routes are read: changes come in bursts. */
const SETTLE_MS = 20;
/** So soon it is tried again when they could not be read. */
const AGAIN_MS = 1000;
const BUFFER_BYTES = 1 << 20;

/** A longest-match table of one family: to each prefix the lowest metric of a route. */
class Metrics {
  readonly #prefixes: PrefixTable;
  readonly #metrics: number[] = [];
  readonly #address = new Uint32Array(4);

  constructor(bits: 32 | 128) {
    this.#prefixes = new PrefixTable(bits, { k0: randomInt(2 ** 32), k1: randomInt(2 ** 32) });
  }

  add({ destination, destinationLength, metric, type }: Route): void {
    const id = this.#prefixes.intern(this.#words(destination), destinationLength);
    const cost = type === RouteType.unicast ? metric : UNREACHABLE;
    this.#metrics[id] = Math.min(this.#metrics[id] ?? UNREACHABLE, cost);
  }

  of(address: Uint8Array): number {
    const id = this.#prefixes.lookup(this.#words(address));
    return id === NO_PREFIX ? UNREACHABLE : (this.#metrics[id] as number);
  }

  #words(address: Uint8Array): Uint32Array {
    const words = this.#address.fill(0);
    for (let i = 0; i < address.length; i++)
      words[i >>> 2] = ((words[i >>> 2] as number) << 8) | (address[i] as number);
    return words;
  }
}

/** fe80::/10: it is on the link that the session goes over. */
const isLinkLocal = (address: Uint8Array): boolean =>
  address.length === 16 && address[0] === 0xfe && ((address[1] as number) & 0xc0) === 0x80;

/**
 * What the kernel's main table says of next hops: the metric of the longest route that leads there, in the network namespace
 * of the thread that opened it. Routes that CloudBridge has made do not count, for they may come from BGP.
 */
export class KernelNextHops {
  readonly #requests: NetlinkRequests;
  readonly #monitor: NetlinkMonitor;
  readonly #changed: () => void;
  #four = new Metrics(32);
  #six = new Metrics(128);
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;
  #isStale = false;
  #isClosed = false;

  /** @param changed costs may be others, from now on and whenever it is called again @throws an Error with the errno's name */
  constructor(changed: () => void) {
    this.#changed = changed;
    this.#requests = NetlinkRequests.open(BUFFER_BYTES);
    const look = (): void => this.#readIn(SETTLE_MS);
    try {
      // Routes of IPv4 go with their link, and nobody is told of each.
      const kinds = ['route', 'link', 'address'] as const;
      this.#monitor = NetlinkMonitor.open({ kinds, receiveBufferBytes: BUFFER_BYTES }, { changed: look, lost: look });
    } catch (error) {
      this.#requests.close();
      throw error;
    }
    this.#readIn(0);
  }

  /** @param nextHop 0, 4, 16 or 32 bytes @returns a metric, or `UNREACHABLE` */
  costOf(nextHop: Uint8Array): number {
    if (nextHop.length === 0 || isLinkLocal(nextHop)) return 0;
    // Behind a global address of IPv6 there may be a link-local one (RFC 2545 §3).
    return nextHop.length === 4 ? this.#four.of(nextHop) : this.#six.of(nextHop.subarray(0, 16));
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#monitor.close();
    this.#requests.close();
  }

  #readIn(ms: number): void {
    this.#isStale = true;
    if (this.#isReading || this.#isClosed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#read();
    }, ms);
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    this.#isStale = false;
    let isWhole = false;
    try {
      const four = await this.#readFamily(Family.ipv4, 32);
      const six = await this.#readFamily(Family.ipv6, 128);
      if (this.#isClosed) return;
      isWhole = four !== undefined && six !== undefined;
      if (four !== undefined && six !== undefined) {
        this.#four = four;
        this.#six = six;
        this.#changed();
      }
    } catch (error) {
      if (this.#isClosed) return;
      // What was known stays; an answer that was lost is asked for again.
      if (!(error instanceof Error)) throw error;
    } finally {
      this.#isReading = false;
    }
    if (!isWhole || this.#isStale) this.#readIn(isWhole ? SETTLE_MS : AGAIN_MS);
  }

  /** @returns undefined when some may be missing */
  async #readFamily(family: number, bits: 32 | 128): Promise<Metrics | undefined> {
    let metrics = new Metrics(bits);
    const filter = newRoute({ family, table: Table.main, type: 0 });
    const begin = (): void => {
      metrics = new Metrics(bits);
    };
    const each = (route: Route): void => {
      if (route.table === Table.main && route.protocol !== RouteProtocol.cloudbridge) metrics.add(route);
    };
    return (await this.#requests.dump('route', filter, begin, each)) ? metrics : undefined;
  }
}
