import { readWord } from '#protocol/ip/checksum.ts';
import { Fragment, type IpView, Protocol } from '#protocol/ip/view.ts';
import type { Random } from '../contract.ts';
import { type NatCounters, NatDrop } from './counters.ts';
import { Flows, Told } from './flows.ts';
import { Mappings, NONE } from './mappings.ts';
import { Owners } from './owners.ts';
import type { Pool } from './pool.ts';
import { choosePort } from './ports.ts';
import { Quote, readAddress, replaceAddress, replaceEndpoint } from './rewrite.ts';
import { FlowState, nextTcpState, RST, SYN } from './tcp-state.ts';
import { type Tell, Telling } from './telling.ts';
import { DEFAULT_TIMEOUTS, type NatTimeouts, timeoutOf } from './timeouts.ts';
import { canBeSession, type FlowFields } from './told-session.ts';

export type { FlowFields } from './told-session.ts';

export interface NatOptions {
  readonly pool: Pool;
  readonly random: Random;
  readonly timeouts?: NatTimeouts;
  /** Sessions of all devices at most. */
  readonly mostFlows?: number;
  readonly tell?: Tell;
}

const ECHO_REPLY = 0;
const ECHO = 8;
/** Errors that say something of a packet: unreachable, time exceeded, parameter problem (RFC 792). */
const isError = (type: number): boolean => type === 3 || type === 11 || type === 12;

const DEFAULT_MOST_FLOWS = 1_000_000;
/** Sessions of a device at most, for each port of its block. */
const FLOWS_PER_PORT = 8;

/**
 * Translates IPv4 packets of devices (owners), each to the outside address and ports of its block, and back. Sans-IO: the
 * clock, in whole seconds, is set from outside. Mappings do not depend on whom they talk to, filters do (SPEC.md).
 */
export class Nat44 {
  readonly counters: NatCounters = { pickedUp: 0, restored: 0, refused: 0, deviating: 0 };
  readonly mappings = new Mappings();
  readonly flows = new Flows();
  readonly owners: Owners;
  readonly telling: Telling;
  /** Seconds of any clock that never goes back. */
  now = 0;
  readonly #pool: Pool;
  readonly #random: Random;
  readonly #timeouts: NatTimeouts;
  readonly #mostFlows: number;
  readonly #mostOfOwner: number;
  readonly #quote = new Quote();
  /** What `find` found, for `admit`. */
  #mapping = NONE;
  #flow = NONE;
  #isQuote = false;
  #sweepAt = 0;

  constructor({ pool, random, timeouts, mostFlows, tell }: NatOptions) {
    this.#pool = pool;
    this.#random = random;
    this.#timeouts = timeouts ?? DEFAULT_TIMEOUTS;
    this.#mostFlows = mostFlows ?? DEFAULT_MOST_FLOWS;
    this.#mostOfOwner = pool.blockPorts * FLOWS_PER_PORT;
    this.owners = new Owners(pool);
    const { mappings, flows, owners } = this;
    this.telling = new Telling({ mappings, flows, owners, blockPorts: pool.blockPorts, tell });
  }

  /** Ends all sessions of a device, and tells nobody. */
  close(owner: number): void {
    const base = this.owners.port(owner);
    for (const protocol of [Protocol.icmp, Protocol.tcp, Protocol.udp]) {
      for (let port = base; port < base + this.#pool.blockPorts; port++) {
        const mapping = this.mappings.findOuter(owner, protocol, port);
        if (mapping === NONE) continue;
        for (let flow = this.mappings.flow(mapping); flow !== NONE; flow = this.mappings.flow(mapping)) {
          this.mappings.setFlow(mapping, this.flows.remove(flow, flow));
        }
        this.mappings.remove(mapping);
      }
    }
    this.owners.close(owner);
  }

  // ---- from devices

  /** Translates a packet of a device, in place. @returns of `NatDrop`; it is as it was unless that is `none` */
  outbound(owner: number, buffer: Uint8Array, view: IpView): NatDrop {
    const { protocol, payloadAt: at, end } = view;
    const outside = this.owners.address(owner);
    if (view.fragment === Fragment.later) {
      // One address a device: its later fragments need no port.
      if (protocol !== Protocol.tcp && protocol !== Protocol.udp && protocol !== Protocol.icmp) return NatDrop.protocol;
      replaceAddress(buffer, view, view.sourceAt, outside);
      return NatDrop.none;
    }
    if (protocol === Protocol.icmp) return this.#outboundIcmp(owner, buffer, view);
    if (protocol !== Protocol.tcp && protocol !== Protocol.udp) return NatDrop.protocol;
    if (at + (protocol === Protocol.tcp ? 20 : 8) > end) return NatDrop.malformed;
    const flags = protocol === Protocol.tcp ? (buffer[at + 13] as number) : 0;
    const drop = this.#use(owner, protocol, buffer, view, readWord(buffer, at), readWord(buffer, at + 2), flags);
    if (drop === NatDrop.none)
      replaceEndpoint(buffer, view, view.sourceAt, outside, at, this.mappings.outer(this.#mapping));
    return drop;
  }

  #outboundIcmp(owner: number, buffer: Uint8Array, view: IpView): NatDrop {
    const at = view.payloadAt;
    if (at + 8 > view.end) return NatDrop.malformed;
    const type = buffer[at] as number;
    if (type === ECHO) {
      const drop = this.#use(owner, Protocol.icmp, buffer, view, readWord(buffer, at + 4), 0, 0);
      if (drop !== NatDrop.none) return drop;
      replaceEndpoint(
        buffer,
        view,
        view.sourceAt,
        this.owners.address(owner),
        at + 4,
        this.mappings.outer(this.#mapping),
      );
      return NatDrop.none;
    }
    return isError(type) ? this.#outboundError(owner, buffer, view) : NatDrop.protocol;
  }

  /** A device has something to say of a packet that came: that one's destination was translated. */
  #outboundError(owner: number, buffer: Uint8Array, view: IpView): NatDrop {
    const quote = this.#quote;
    if (!quote.parse(buffer, view)) return NatDrop.malformed;
    const { protocol, destination, destinationPort } = quote;
    const mapping = this.mappings.findInner(owner, protocol, destination, destinationPort);
    if (mapping === NONE) return NatDrop.noMapping;
    if (this.#flowOf(mapping, quote.source, quote.sourcePort) === NONE) return NatDrop.filtered;
    const outside = this.owners.address(owner);
    quote.replace(buffer, false, outside, this.mappings.outer(mapping));
    replaceAddress(buffer, view, view.sourceAt, outside);
    return NatDrop.none;
  }

  /** Finds or makes what a packet from inside goes by. */
  #use(
    owner: number,
    protocol: number,
    buffer: Uint8Array,
    view: IpView,
    inner: number,
    remotePort: number,
    flags: number,
  ): NatDrop {
    const { mappings, flows } = this;
    const address = readAddress(buffer, view.sourceAt);
    const remote = readAddress(buffer, view.destinationAt);
    const filterPort = protocol === Protocol.tcp ? remotePort : 0;
    let mapping = mappings.findInner(owner, protocol, address, inner);
    let flow = mapping === NONE ? NONE : flows.find(mapping, remote, filterPort);
    if (flow === NONE) {
      if (mapping === NONE && this.owners.isWaiting(owner)) return NatDrop.waiting;
      // A RST about nothing that is known opens nothing.
      if ((flags & RST) !== 0) return NatDrop.noMapping;
      if (!this.#hasRoom(owner)) return NatDrop.sessionLimit;
      if (mapping === NONE) mapping = this.#map(owner, protocol, address, inner);
      if (mapping === NONE) return NatDrop.exhausted;
      const isMidStream = protocol === Protocol.tcp && (flags & SYN) === 0;
      if (isMidStream) this.counters.pickedUp++;
      flow = this.#add(owner, mapping, remote, filterPort, isMidStream ? FlowState.transitory : FlowState.init);
    }
    this.#mapping = mapping;
    this.#refresh(owner, mapping, flow, remotePort, flags, true);
    return NatDrop.none;
  }

  #hasRoom(owner: number): boolean {
    return this.flows.size < this.#mostFlows && this.owners.flowsOf(owner) < this.#mostOfOwner;
  }

  #map(owner: number, protocol: number, address: number, inner: number): number {
    const { owners, mappings } = this;
    const size = this.#pool.blockPorts;
    if (owners.portsOf(owner, protocol) >= size) return NONE;
    const base = owners.port(owner);
    const port = choosePort(
      base,
      size,
      inner,
      this.#random,
      (one) => mappings.findOuter(owner, protocol, one) === NONE,
    );
    if (port !== base + (inner & (size - 1))) this.counters.deviating++;
    owners.addPorts(owner, protocol, 1);
    return mappings.add(owner, protocol, address, inner, port);
  }

  #add(owner: number, mapping: number, remote: number, port: number, state: number): number {
    const flow = this.flows.add(mapping, this.mappings.flow(mapping), remote, port, state, this.now);
    this.mappings.setFlow(mapping, flow);
    this.owners.addFlows(owner, 1);
    return flow;
  }

  #refresh(owner: number, mapping: number, flow: number, remotePort: number, flags: number, fromInside: boolean): void {
    const { flows, now } = this;
    const protocol = this.mappings.protocol(mapping);
    const before = flows.state(flow);
    const isTcp = protocol === Protocol.tcp;
    const state = isTcp ? nextTcpState(before, flags, fromInside) : fromInside ? before : FlowState.established;
    // RFC 7857 §7.1: what says that somebody is not interested keeps nothing alive.
    if ((flags & RST) !== 0 && state === before) return;
    const isTold = flows.told(flow) === Told.yes;
    const isLasting = isTcp ? state === FlowState.established : now > flows.began(flow);
    flows.set(flow, state, now + timeoutOf(this.#timeouts, protocol, state, remotePort));
    if (isTold ? isTcp && state !== before : isLasting) {
      flows.setTold(flow, Told.yes);
      this.telling.say(owner, mapping, flow, state);
    }
  }

  // ---- from outside

  /** The block that a packet from outside is for; -1: none. @param view no later fragment */
  blockOf(buffer: Uint8Array, view: IpView): number {
    const { protocol, payloadAt: at, end } = view;
    const address = readAddress(buffer, view.destinationAt);
    if (protocol === Protocol.tcp || protocol === Protocol.udp) {
      return at + 4 > end ? -1 : this.#pool.blockOf(address, readWord(buffer, at + 2));
    }
    if (protocol !== Protocol.icmp || at + 8 > end) return -1;
    const type = buffer[at] as number;
    if (type === ECHO_REPLY) return this.#pool.blockOf(address, readWord(buffer, at + 4));
    if (!isError(type) || !this.#quote.parse(buffer, view)) return -1;
    return this.#quote.source === address ? this.#pool.blockOf(address, this.#quote.sourcePort) : -1;
  }

  /** Whether a packet from outside is let in to a device; `admit` does it. Changes nothing of the packet. */
  find(owner: number, buffer: Uint8Array, view: IpView): NatDrop {
    const { protocol, payloadAt: at, end } = view;
    this.#isQuote = false;
    if (protocol === Protocol.icmp) return this.#findIcmp(owner, buffer, view);
    if (protocol !== Protocol.tcp && protocol !== Protocol.udp) return NatDrop.protocol;
    if (at + (protocol === Protocol.tcp ? 20 : 8) > end) return NatDrop.malformed;
    this.#mapping = this.mappings.findOuter(owner, protocol, readWord(buffer, at + 2));
    if (this.#mapping === NONE) return this.owners.isWaiting(owner) ? NatDrop.waiting : NatDrop.noMapping;
    const flags = protocol === Protocol.tcp ? (buffer[at + 13] as number) : 0;
    return this.#filter(owner, readAddress(buffer, view.sourceAt), readWord(buffer, at), flags);
  }

  #findIcmp(owner: number, buffer: Uint8Array, view: IpView): NatDrop {
    const at = view.payloadAt;
    if (at + 8 > view.end) return NatDrop.malformed;
    const type = buffer[at] as number;
    if (type === ECHO_REPLY) {
      this.#mapping = this.mappings.findOuter(owner, Protocol.icmp, readWord(buffer, at + 4));
      if (this.#mapping === NONE) return this.owners.isWaiting(owner) ? NatDrop.waiting : NatDrop.noMapping;
      return this.#filter(owner, readAddress(buffer, view.sourceAt), 0, 0);
    }
    if (!isError(type)) return NatDrop.noMapping;
    const quote = this.#quote;
    if (!quote.parse(buffer, view)) return NatDrop.malformed;
    if (quote.source !== this.owners.address(owner)) return NatDrop.noMapping;
    this.#mapping = this.mappings.findOuter(owner, quote.protocol, quote.sourcePort);
    if (this.#mapping === NONE) return NatDrop.noMapping;
    // Whoever is on the way may say it (RFC 4787 REQ-12a), of what was sent.
    this.#flow = this.#flowOf(this.#mapping, quote.destination, quote.destinationPort);
    this.#isQuote = true;
    return this.#flow === NONE ? NatDrop.filtered : NatDrop.none;
  }

  #flowOf(mapping: number, remote: number, remotePort: number): number {
    return this.flows.find(mapping, remote, this.mappings.protocol(mapping) === Protocol.tcp ? remotePort : 0);
  }

  #filter(owner: number, remote: number, remotePort: number, flags: number): NatDrop {
    this.#flow = this.#flowOf(this.#mapping, remote, remotePort);
    if (this.#flow !== NONE) return NatDrop.none;
    // Of a session that went on while its device moved, before it was told.
    const isLikely = this.now < this.owners.pickUpUntil(owner) && (flags & (SYN | RST)) === 0;
    if (!isLikely) return NatDrop.filtered;
    if (!this.#hasRoom(owner)) return NatDrop.sessionLimit;
    const isTcp = this.mappings.protocol(this.#mapping) === Protocol.tcp;
    this.counters.pickedUp++;
    this.#flow = this.#add(
      owner,
      this.#mapping,
      remote,
      isTcp ? remotePort : 0,
      isTcp ? FlowState.transitory : FlowState.init,
    );
    return NatDrop.none;
  }

  /** Translates the packet that was found last, in place. */
  admit(owner: number, buffer: Uint8Array, view: IpView): void {
    const { mappings } = this;
    const mapping = this.#mapping;
    const at = view.payloadAt;
    const address = mappings.address(mapping);
    if (this.#isQuote) {
      this.#quote.replace(buffer, true, address, mappings.inner(mapping));
      replaceAddress(buffer, view, view.destinationAt, address);
      return;
    }
    const isIcmp = view.protocol === Protocol.icmp;
    const flags = view.protocol === Protocol.tcp ? (buffer[at + 13] as number) : 0;
    this.#refresh(owner, mapping, this.#flow, isIcmp ? 0 : readWord(buffer, at), flags, false);
    replaceEndpoint(buffer, view, view.destinationAt, address, isIcmp ? at + 4 : at + 2, mappings.inner(mapping));
  }

  /** The inner address, as a number, that the packet which was found last is for. */
  get foundAddress(): number {
    return this.mappings.address(this.#mapping);
  }

  // ---- what other workers tell

  /** A session that the device had at another worker goes on here. @returns whether it can */
  restore(owner: number, fields: FlowFields): boolean {
    const { mappings, owners } = this;
    const { protocol, state, innerAddress, innerPort, outerPort, remoteAddress, remotePort } = fields;
    const base = owners.port(owner);
    const isOurs = outerPort >= base && outerPort < base + this.#pool.blockPorts;
    let mapping = mappings.findInner(owner, protocol, innerAddress, innerPort);
    const isTaken =
      mapping === NONE
        ? mappings.findOuter(owner, protocol, outerPort) !== NONE
        : mappings.outer(mapping) !== outerPort;
    if (!canBeSession(fields) || !isOurs || isTaken || !this.#hasRoom(owner)) {
      this.counters.refused++;
      return false;
    }
    if (mapping === NONE) {
      mapping = mappings.add(owner, protocol, innerAddress, innerPort, outerPort);
      owners.addPorts(owner, protocol, 1);
    }
    let flow = this.flows.find(mapping, remoteAddress, remotePort);
    if (flow === NONE) flow = this.#add(owner, mapping, remoteAddress, remotePort, state);
    this.flows.set(flow, state, this.now + timeoutOf(this.#timeouts, protocol, state, remotePort));
    this.flows.setTold(flow, Told.yes);
    this.counters.restored++;
    return true;
  }

  /** Ends what has been silent for too long, among so many slots; the next call goes on behind them. */
  sweep(slots: number): void {
    const { flows, now } = this;
    for (let i = Math.min(slots, flows.end); i > 0; i--) {
      const flow = this.#sweepAt;
      this.#sweepAt = flow + 1 >= flows.end ? 0 : flow + 1;
      const mapping = flows.mapping(flow);
      if (mapping !== NONE && flows.expires(flow) <= now) this.#end(mapping, flow);
    }
  }

  #end(mapping: number, flow: number): void {
    const { mappings, flows, owners } = this;
    const owner = mappings.owner(mapping);
    if (flows.told(flow) === Told.yes) this.telling.say(owner, mapping, flow, 0);
    mappings.setFlow(mapping, flows.remove(flow, mappings.flow(mapping)));
    owners.addFlows(owner, -1);
    if (mappings.flow(mapping) !== NONE) return;
    owners.addPorts(owner, mappings.protocol(mapping), -1);
    mappings.remove(mapping);
  }
}
