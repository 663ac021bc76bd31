import type { Abort } from '#protocol/http3/api.ts';
import type { HttpConnection } from '#protocol/http3/http-connection.ts';
import type { ResponseHead } from '#protocol/http3/message.ts';
import { type IpTunnel, type IpTunnelSink, openIpTunnel } from '#protocol/masque/connect-ip.ts';
import type { AddressEntry } from '#protocol/masque/ip-addresses.ts';
import { ANY_SCOPE } from '#protocol/masque/ip-scope.ts';
import { defaultIpTemplate } from '#protocol/masque/uri-template.ts';
import { type EdgeRefusal, refusalOf } from './refusal.ts';

export type SendNow = (receive: boolean) => void;

/** Where the packets of an IP tunnel come out. */
export interface PacketPort {
  /**
   * A packet from the edge.
   *
   * @param stays whether it lies where it is until `flush`; otherwise only for the time of the call
   */
  fromEdge(buffer: Uint8Array, start: number, end: number, stays: boolean): void;
  /** The buffers of packets that came are about to be used again. */
  flush(): void;
  /** There may be room for packets to the edge. */
  mayHaveRoom(): void;
  /**
   * Packets go there, or its addresses or routes are others than before.
   *
   * @param send what was put into it, at once; with `receive` after taking what has arrived
   */
  configured(tunnel: IpTunnel, send: SendNow): void;
}

/** The connection below an IP tunnel. */
export interface TunnelCarrier {
  /** What lies there stays as it is until `PacketPort.flush`. */
  readonly receiveBuffer?: Uint8Array;
  /** Sends what was put into the tunnel at once. */
  readonly send: SendNow;
}

export interface IpTunnelsSink {
  /** The tunnel that was asked for last has addresses. */
  opened(): void;
  refused(refusal: EdgeRefusal): void;
  /** The one that packets go through is over. */
  lost(reason: string): void;
}

/** The IP tunnel of a connection; for a moment two, when a new token needs a new one. */
export class IpTunnels implements IpTunnelSink {
  readonly #packets: PacketPort | undefined;
  readonly #receiveBuffer: Uint8Array | undefined;
  readonly #send: SendNow;
  readonly #sink: IpTunnelsSink;
  #active: IpTunnel | undefined;
  #pending: IpTunnel | undefined;

  constructor(packets: PacketPort | undefined, carrier: TunnelCarrier, sink: IpTunnelsSink) {
    this.#packets = packets;
    this.#receiveBuffer = carrier.receiveBuffer;
    this.#send = carrier.send;
    this.#sink = sink;
  }

  get active(): IpTunnel | undefined {
    return this.#active;
  }

  /** @returns false when no more requests can be opened */
  open(http: HttpConnection, authority: string, token: string): boolean {
    const before = this.#pending;
    this.#pending = undefined;
    before?.close();
    const fields = [{ name: 'authorization', value: `Bearer ${token}` }];
    this.#pending = openIpTunnel(http, defaultIpTemplate(authority), ANY_SCOPE, this, fields);
    return this.#pending !== undefined;
  }

  /** The connection is being closed: nothing that its tunnels say counts any more. */
  forget(): void {
    this.#active = undefined;
    this.#pending = undefined;
  }

  payload(tunnel: IpTunnel, buffer: Uint8Array, start: number, end: number): void {
    if (tunnel !== this.#active && tunnel !== this.#pending) return;
    this.#packets?.fromEdge(buffer, start, end, buffer === this.#receiveBuffer);
  }

  opened(): void {
    // It is of use once there are addresses.
  }

  refused(tunnel: IpTunnel, head: ResponseHead): void {
    if (tunnel !== this.#pending) return;
    this.#pending = undefined;
    this.#sink.refused(refusalOf(head));
  }

  addressesAssigned(tunnel: IpTunnel, assigned: readonly AddressEntry[]): void {
    if (tunnel === this.#pending && assigned.length > 0) {
      const before = this.#active;
      this.#active = tunnel;
      this.#pending = undefined;
      this.#packets?.configured(tunnel, this.#send);
      this.#sink.opened();
      before?.close();
    } else if (tunnel === this.#active) this.#packets?.configured(tunnel, this.#send);
  }

  /** A device gives nobody addresses (RFC 9484 §4.7.2). */
  addressesWanted(tunnel: IpTunnel): void {
    tunnel.assign([]);
  }

  routesAdvertised(tunnel: IpTunnel): void {
    if (tunnel === this.#active) this.#packets?.configured(tunnel, this.#send);
  }

  closed(tunnel: IpTunnel, abort: Abort): void {
    if (tunnel === this.#active) {
      this.#active = undefined;
      this.#sink.lost(abort.reason);
    } else if (tunnel === this.#pending) {
      this.#pending = undefined;
      this.#sink.refused({ status: 500, detail: abort.reason, error: undefined, retryAfterMs: undefined });
    }
  }
}
