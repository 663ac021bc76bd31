import type { Exchange, ExchangeSink, Kind } from '#dataplane/exchange/exchange.ts';
import type { TimeUs } from '#protocol/contract.ts';
import { isHalf, PacketHeader, writePacketHeader, writeRelayedHeader } from '#protocol/mesh/wire/packet.ts';
import { Halves } from './halves.ts';
import type { Link } from './link.ts';
import type { RemoteDevice } from './remote-devices.ts';

export interface PacketsParts {
  readonly own: number;
  readonly threads: number;
  readonly exchange: Exchange;
  readonly find: (id: number, serial: number) => RemoteDevice | undefined;
  /** The third member that hands on what goes to this one; 0: none, it goes directly; -1: there is no way. */
  readonly via: (member: number) => number;
  readonly link: (member: number) => Link | undefined;
  /** What a thread says of its devices' sessions. */
  readonly sessions: (buffer: Uint8Array, start: number, end: number) => void;
  /** …of their filters. */
  readonly filters: (buffer: Uint8Array, start: number, end: number) => void;
  /** A turn is over: what was queued is to leave. */
  readonly turnOver: () => void;
  readonly fault: (error: unknown) => void;
}

export const MESH_DROPS = [
  'unknown_device',
  'no_path',
  'queue_full',
  'too_large',
  'thread_queue_full',
  'malformed',
  'not_inner',
] as const;
export type MeshDrop = (typeof MESH_DROPS)[number];

/** Packets of tenants: from data-plane threads to other workers, from these to the threads, and between two others. */
export class Packets implements ExchangeSink {
  readonly counters = { sent: 0, sentBytes: 0, received: 0, receivedBytes: 0, relayed: 0 };
  readonly dropped: Record<MeshDrop, number> = {
    ...{ unknown_device: 0, no_path: 0, queue_full: 0, too_large: 0, thread_queue_full: 0, malformed: 0, not_inner: 0 },
  };
  /** Of packets that do not fit. */
  readonly halves = new Halves();
  readonly #parts: PacketsParts;
  readonly #header = new PacketHeader();

  constructor(parts: PacketsParts) {
    this.#parts = parts;
  }

  take(kind: Kind, meta: Int32Array, buffer: Uint8Array, start: number, end: number): void {
    try {
      if (kind === 'inner') this.#toMember(meta[0] as number, meta[1] as number, buffer, start, end);
      else if (kind === 'nat') this.#parts.sessions(buffer, start, end);
      else if (kind === 'filters') this.#parts.filters(buffer, start, end);
      else this.dropped.not_inner++;
    } catch (error) {
      this.#parts.fault(error);
    }
  }

  taken(): void {
    this.#parts.turnOver();
  }

  #toMember(id: number, serial: number, buffer: Uint8Array, start: number, end: number): void {
    const { find, via, own } = this.#parts;
    const device = find(id, serial);
    if (device === undefined) {
      this.dropped.unknown_device++;
      return;
    }
    const { member } = device;
    const third = via(member);
    if (third < 0) this.dropped.no_path++;
    else if (third === 0) this.#send(member, buffer, writePacketHeader(buffer, start, device), end);
    else this.#send(third, buffer, writeRelayedHeader(buffer, start, device, own, member), end);
  }

  #send(member: number, buffer: Uint8Array, start: number, end: number): boolean {
    const link = this.#parts.link(member);
    const most = link?.quic?.maxDatagramBytes() ?? 0;
    const bytes = end - start;
    const quic = link?.quic;
    if (quic === undefined || most === 0) this.dropped.no_path++;
    else if (bytes > most && !this.halves.fits(bytes, most)) this.dropped.too_large++;
    else if (
      !(bytes > most
        ? this.halves.send(buffer, start, end, (half, from, to) => quic.sendDatagram(half, from, to))
        : quic.sendDatagram(buffer, start, end))
    )
      this.dropped.queue_full++;
    else {
      this.counters.sent++;
      this.counters.sentBytes += bytes;
      return true;
    }
    return false;
  }

  /** A packet that a member sent, or half of one. @returns false when it is none */
  receive(from: number, buffer: Uint8Array, start: number, end: number, now: TimeUs): boolean {
    if (!isHalf(buffer, start, end)) return this.#receive(from, buffer, start, end);
    this.halves.receive(from, buffer, start, end, now, (whole, at, behind) => {
      if (!this.#receive(from, whole, at, behind)) this.dropped.malformed++;
    });
    return true;
  }

  #receive(from: number, buffer: Uint8Array, start: number, end: number): boolean {
    const header = this.#header;
    if (!header.read(buffer, start, end)) return false;
    const { own, threads, exchange } = this.#parts;
    if (header.to !== 0 && header.to !== own) {
      this.#handOn(from, buffer, start, end);
      return true;
    }
    if (header.thread >= threads) {
      this.dropped.malformed++;
      return true;
    }
    const { meta } = exchange;
    meta[0] = header.id;
    meta[1] = header.serial;
    this.counters.received++;
    this.counters.receivedBytes += end - start;
    if (!exchange.send(header.thread, 'inner', buffer, header.packetAt, end)) this.dropped.thread_queue_full++;
    return true;
  }

  /** For a third member: only what comes from whoever it is of, so that nothing goes through two. */
  #handOn(from: number, buffer: Uint8Array, start: number, end: number): void {
    const { from: sender, to } = this.#header;
    if (sender !== from || to === from) this.dropped.malformed++;
    else if (this.#send(to, buffer, start, end)) this.counters.relayed++;
  }
}
