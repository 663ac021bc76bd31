import { PrefixTable } from '#protocol/ip/prefix-table.ts';
import type { Prefix } from '#protocol/ip/text.ts';
import type { IpView } from '#protocol/ip/view.ts';
import type { DevicePast } from '#protocol/mesh/presence/ticket-age.ts';
import type { HeldPackets } from './held-packets.ts';
import type { TenantRoutes } from './tenants.ts';

/** Where a device's outside ports begin, address as a number. */
export interface OutsideBlock {
  readonly address: number;
  readonly port: number;
}

/** Packets and bytes of one session; "up" comes from the device. */
export class SessionCounters {
  packetsUp = 0;
  bytesUp = 0;
  packetsDown = 0;
  bytesDown = 0;
  dropped = 0;

  up(bytes: number): void {
    this.packetsUp++;
    this.bytesUp += bytes;
  }

  down(bytes: number): void {
    this.packetsDown++;
    this.bytesDown += bytes;
  }
}

/** Bytes in front of a packet that a session's link may write its own header into. */
export const HEADROOM = 64;

/** How a session hands a packet to its device. */
export interface SessionLink {
  /** Bytes of the largest packet that gets through now. */
  mtu(): number;
  /** Takes a copy of the packet. @returns false when the queue to the device is full */
  send(buffer: Uint8Array, start: number, end: number): boolean;
}

export interface SessionOptions {
  readonly tenant: string;
  readonly device: string;
  /** What the device may send from; single addresses are its own, shorter prefixes lie behind it. */
  readonly sources: readonly Prefix[];
  /** Whether it may reach what lies outside of its tenant. */
  readonly egress: boolean;
  /** Given where others may have the same prefixes, as the two routers of a site do: the lowest gets what is for them. */
  readonly rank?: number | undefined;
}

/** The device's own address, not one behind it. */
const ownOf = (sources: readonly Prefix[], bytes: 4 | 16): Prefix | undefined =>
  sources.find(({ address, length }) => address.length === bytes && length === 8 * bytes);

/**
 * One tunnel's end in the data plane, whatever protocol carries it: an authenticated identity and the addresses that it
 * may use. Its owner thread alone touches it.
 */
export class Session {
  readonly tenant: string;
  readonly device: string;
  sources: readonly Prefix[] = [];
  egress: boolean;
  rank: number | undefined;
  readonly link: SessionLink;
  /** The device's own IPv4 address, if it has one. */
  readonly address4: Uint8Array | undefined;
  readonly counters = new SessionCounters();
  #sources4 = new PrefixTable(4);
  #sources6 = new PrefixTable(16);
  /** Index in the forwarder's table, -1 while it is in none. */
  id = -1;
  /** Tells it from whoever had that index before. */
  serial = 0;
  /** Whether its device may be sent anything: not while another worker may still send to it, and not after it moved. */
  isSettled = true;
  /** Other workers have been told that its device is here: they know where their answers go. */
  isTold = true;
  /** What it has sent to devices at other workers before that. */
  heldAway: HeldPackets | undefined = undefined;
  /** All threads of the worker have heard of it. */
  isShown = false;
  /** Its device has a newer session, here or at another worker: what still comes by this one is taken, what is for it goes there. */
  hasMoved = false;
  /** What waits until it is settled. */
  held: HeldPackets | undefined = undefined;
  /** What came from its device and waits until it is known what its IPv4 was translated to elsewhere. */
  heldUp: HeldPackets | undefined = undefined;
  /** Stands for the device's IPv4 address outside of its tenant; given while attached. */
  carrier: Uint8Array | undefined = undefined;
  /** Number of its device among those that IPv4 is translated for; -1: it has no outside address. */
  nat = -1;
  /** The device's own outside address and first port, where it has them. */
  outside: OutsideBlock | undefined = undefined;
  /** Where its device was, by the ticket that it came with. */
  past: DevicePast | undefined = undefined;
  /** Is told in which epoch its device is at which worker, once it may be served. */
  onSettled: ((place: DevicePast) => void) | undefined = undefined;
  /** Until when whoever sent it IPv6 elsewhere is let in, in the seconds of `Correspondents`. */
  pickUpUntil = -1;
  /** Number of its device among those whose IPv6 filters are told to others; 0: they are not. */
  filters = 0;
  /** What lies behind its device is not reached by it at the moment: that is led elsewhere, or nowhere. */
  isWithdrawn = false;
  /** ICMP errors come from where its packets wanted to go: its device takes nothing from addresses outside of its tenant. */
  isNarrow = false;
  /** Takes answers to echo requests that the edge has sent it. */
  onEchoReply: ((buffer: Uint8Array, view: IpView) => void) | undefined = undefined;
  /** Its tenant's routes, while attached. */
  routes: TenantRoutes | undefined = undefined;

  constructor(options: SessionOptions, link: SessionLink) {
    this.tenant = options.tenant;
    this.device = options.device;
    this.egress = options.egress;
    this.rank = options.rank;
    this.link = link;
    this.address4 = ownOf(options.sources, 4)?.address;
    this.setSources(options.sources);
  }

  /** Others may lie behind its device from now on; the device's own stay the same. */
  setSources(sources: readonly Prefix[]): void {
    this.sources = sources;
    this.#sources4 = new PrefixTable(4);
    this.#sources6 = new PrefixTable(16);
    for (const { address, length } of sources) this.#table(address.length).set(address, length, 1);
  }

  /** What leads to it now; it may send from all of `sources`. */
  get led(): readonly Prefix[] {
    if (!this.isWithdrawn) return this.sources;
    return [ownOf(this.sources, 4), ownOf(this.sources, 16)].filter((prefix) => prefix !== undefined);
  }

  ownsSource(buffer: Uint8Array, at: number, addressBytes: number): boolean {
    return this.#table(addressBytes).lookup(buffer, at) >= 0;
  }

  /** Whether an IPv4 address is the device's own, not one behind it. */
  isOwn4(buffer: Uint8Array, at: number): boolean {
    const own = this.address4;
    if (own === undefined) return false;
    for (let i = 0; i < 4; i++) if (buffer[at + i] !== own[i]) return false;
    return true;
  }

  #table(addressBytes: number): PrefixTable {
    return addressBytes === 4 ? this.#sources4 : this.#sources6;
  }
}
