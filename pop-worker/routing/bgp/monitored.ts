import type { Negotiated } from '#protocol/bgp/fsm/negotiate.ts';
import type { BmpTime } from '#protocol/bmp/wire/header.ts';

/** A neighbour as those know it who write down, or tell others, what it says. */
export interface MonitoredPeer {
  /** As the RIB knows it. */
  readonly index: number;
  readonly name: string;
  /** That it listens at. */
  readonly port: number;
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly as: number;
  readonly localAs: number;
  /** 4 or 16 bytes, as many as of `address`; zeros: there was no connection yet. */
  localAddress: Uint8Array;
  /** Of the connection that we have made, and of the one that it has made. */
  readonly localPorts: { out: number; in: number };
  /** Bytes of an AS number in what it sends. */
  asBytes: 2 | 4;
  /** BGP identifier, 0: there was no session yet. */
  identifier: number;
  /** Of the session that is there. */
  negotiated: Negotiated | undefined;
}

export const timeNow = (): BmpTime => {
  const ms = Date.now();
  return { seconds: Math.floor(ms / 1000), microseconds: (ms % 1000) * 1000 };
};
