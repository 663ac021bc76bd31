import { type OutsideSink, TunPort } from '#dataplane/tun-port.ts';
import { nativeSum } from '#host/checksum/checksum.ts';
import type { TunDevice } from '#host/tun/device.ts';
import type { TunPacket } from '#host/tun/packet.ts';
import { IcmpError, MAX_ICMP_ERROR_BYTES, writeIcmpError } from '#protocol/ip/icmp.ts';
import { clampMss } from '#protocol/ip/rewrite.ts';
import { headerBytes, Segmenter } from '#protocol/ip/segmenter.ts';
import { IpFault, IpView, Protocol } from '#protocol/ip/view.ts';
import type { IpTunnel } from '#protocol/masque/connect-ip.ts';
import type { PacketPort, SendNow } from './ip-tunnels.ts';
import { TunnelCounters } from './tunnel-counters.ts';

/** Large packets that are read in one go; the datagram queue must have room for as many bytes and a bit more. */
const READ_SLOTS = 2;
const ROOM_BYTES = 192 * 1024;
/** Go on with other work after so many reads. */
const MAX_READS = 16;
/** While packets travel in capsules, nothing but the link's own idea of a packet limits them. */
const CAPSULE_MTU = 1500;
/** RFC 8200 §5: every IPv6 link takes that much. */
export const IPV6_MIN_MTU = 1280;

/** Moves packets between a TUN and the IP tunnel of the moment; survives both ends of a connection. */
export class TunTunnel implements PacketPort, OutsideSink {
  readonly counters = new TunnelCounters();
  readonly #device: TunDevice;
  readonly #port: TunPort;
  readonly #view = new IpView();
  readonly #segmenter = new Segmenter(nativeSum);
  readonly #icmp = new Uint8Array(MAX_ICMP_ERROR_BYTES);
  readonly #configured: PacketPort['configured'];
  #tunnel: IpTunnel | undefined;
  #mtu = 0;
  /** Packets may wait in the TUN because the tunnel's queue was full. */
  #waiting = false;
  #pumping = false;
  #sendNow: SendNow = () => {};

  /** @param configured called when a tunnel's addresses or routes are new */
  constructor(device: TunDevice, configured: PacketPort['configured']) {
    this.#device = device;
    this.#port = new TunPort(device, READ_SLOTS);
    this.#configured = configured;
  }

  /** Bytes of the largest packet that goes through now; 0 while there is no tunnel. */
  get mtu(): number {
    if (this.#tunnel === undefined) return 0;
    return this.#tunnel.maxPayloadBytes() || CAPSULE_MTU;
  }

  /** What `mtu` was when packets went through last. */
  get lastMtu(): number {
    return this.#mtu;
  }

  get overflows(): number {
    return this.#port.overflows;
  }

  configured(tunnel: IpTunnel, send: SendNow): void {
    this.#configured(tunnel, send);
  }

  /** Packets go through this tunnel from now on; undefined: they wait in the TUN. @param send what was put into it */
  use(tunnel: IpTunnel | undefined, send: SendNow = () => {}): void {
    this.#tunnel = tunnel;
    this.#sendNow = send;
    this.#waiting = tunnel !== undefined;
    this.#device.onReadable(tunnel === undefined ? undefined : () => this.#pump());
    if (tunnel !== undefined) this.#pump();
  }

  // From the edge.

  fromEdge(buffer: Uint8Array, start: number, end: number, stays: boolean): void {
    const view = this.#view;
    if (view.parse(buffer, start, end) !== IpFault.none) {
      this.counters.invalid++;
      return;
    }
    this.counters.packetsDown++;
    this.counters.bytesDown += end - start;
    clampMss(buffer, view, this.#mtu || this.mtu);
    this.#port.add(buffer, view);
    if (!stays) this.#port.flush();
  }

  flush(): void {
    this.#port.flush();
  }

  mayHaveRoom(): void {
    if (this.#waiting) this.#pump();
  }

  // To the edge.

  #pump(): void {
    const tunnel = this.#tunnel;
    if (tunnel === undefined || this.#pumping) return;
    this.#pumping = true;
    this.#mtu = this.mtu;
    if (this.#move(tunnel)) this.#resume();
    // The TUN's own queue holds what comes meanwhile, so that whoever sends notices.
    else this.#pause();
    this.#pumping = false;
  }

  /** What was read is sent before more is read: it is still in the cache then. @returns false when there is no more room */
  #move(tunnel: IpTunnel): boolean {
    for (let reads = 0; reads < MAX_READS; reads++) {
      if (tunnel !== this.#tunnel || tunnel.http.datagramRoom() < ROOM_BYTES) return false;
      const more = this.#port.read(this, 1);
      this.#sendNow(reads > 0);
      if (!more) return true;
      this.counters.reads++;
    }
    return true;
  }

  #pause(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#device.onReadable(undefined);
  }

  #resume(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#device.onReadable(() => this.#pump());
  }

  fromOutside(packet: TunPacket): void {
    const { buffer, start, end } = packet;
    const view = this.#view;
    if (view.parse(buffer, start, end) !== IpFault.none) {
      this.counters.invalid++;
      return;
    }
    if (!packet.isLarge && end - start <= this.#mtu) {
      if (!packet.completeChecksum(nativeSum)) {
        this.counters.invalid++;
        return;
      }
      clampMss(buffer, view, this.#mtu);
      this.#send(buffer, start, end);
    } else this.#cut(buffer, packet.isLarge ? packet.gsoSize : end - start);
  }

  /** Cuts what is too large; a TCP sender gets smaller segments whatever it asked for. */
  #cut(buffer: Uint8Array, segmentBytes: number): void {
    const view = this.#view;
    const headers = headerBytes(buffer, view);
    const fits = this.#mtu - headers;
    const isTcp = view.protocol === Protocol.tcp && view.fragment === 0;
    if (!isTcp && segmentBytes > fits) {
      this.#tooBig(buffer);
      return;
    }
    if (fits <= 0 || !this.#segmenter.begin(buffer, view, Math.min(segmentBytes, fits))) {
      this.counters.invalid++;
      return;
    }
    for (;;) {
      // The tunnel copies what it takes, so the next segment may overwrite the end of this one.
      const bytes = this.#segmenter.nextInPlace();
      if (bytes === 0) return;
      const { start } = this.#segmenter;
      this.#send(buffer, start, start + bytes);
    }
  }

  #send(buffer: Uint8Array, start: number, end: number): void {
    if (this.#tunnel?.send(buffer, start, end)) {
      this.counters.packetsUp++;
      this.counters.bytesUp += end - start;
    } else this.counters.notSent++;
  }

  /** RFC 9484 §10.1 by RFC 8201 and RFC 1191: the sender is told, as if by the next router. */
  #tooBig(buffer: Uint8Array): void {
    const view = this.#view;
    this.counters.tooBig++;
    // From the destination: the tunnel has no address of its own, and this one passes reverse-path filters.
    const from = buffer.slice(view.destinationAt, view.destinationAt + view.addressBytes);
    const mtu = view.version === 6 ? Math.max(IPV6_MIN_MTU, this.#mtu) : this.#mtu;
    const bytes = writeIcmpError(IcmpError.packetTooBig, buffer, view, from, mtu, this.#icmp, 0);
    if (bytes === 0 || view.parse(this.#icmp, 0, bytes) !== IpFault.none) return;
    this.#port.add(this.#icmp, view);
    this.#port.flush();
  }
}
