import type { InitialKind } from './initials.ts';

/** What is thrown at a server: Initial packets from addresses that are not the sender's, or whole handshakes. */
export type FloodKind = InitialKind | 'handshakes';

/** Plain, so that it can be posted to a thread. */
export interface FloodOrder {
  readonly address: string;
  readonly port: number;
  /** PEM file. */
  readonly authority: string;
  readonly kind: FloodKind;
  /** In a second: packets, or `handshakes` that are begun. */
  readonly rate: number;
  readonly seconds: number;
}

/** Addresses that packets claim to come from (RFC 2544): a route makes all of them the sender's own. */
export const SPOOFED = '198.18.0.0/15';
export const SPOOFED_FIRST = '198.18.0.0';
export const SPOOFED_COUNT = 1 << 17;

export interface FloodResult {
  /** Datagrams that left, and those that came back to the addresses in them; of `handshakes`: those begun, and made. */
  readonly sent: number;
  readonly answers: number;
  readonly seconds: number;
}
