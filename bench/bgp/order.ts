import type { Announced } from './updates.ts';

/** A neighbour of the router that is measured. */
export interface SenderOrder extends Omit<Announced, 'nextHop'> {
  /** Of IPv4, text; its BGP identifier and the next hop of its routes too. */
  readonly address: string;
}

/** What all neighbours of the router are to do, in one process. */
export interface NeighboursOrder {
  /** Absent: there is none, and senders talk to the receiver. */
  readonly router?: { readonly address: string; readonly pid: number };
  readonly senders: readonly SenderOrder[];
  readonly receiver: { readonly address: string; readonly as: number };
  /** They send all that they have and withdraw it; or die one after another, by TCP alone or cut off and seen by BFD. */
  readonly what: 'convergence' | 'close' | 'cut';
  /** Of BFD, with `cut`. */
  readonly intervalMs?: number;
}

/** How long something took from the first byte until the receiver had all of it, and what it cost the router. */
export interface Phase {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** That the receiver was sent. */
  readonly updates: number;
}

export interface NeighboursResult {
  readonly announce: Phase;
  readonly withdraw: Phase;
  /** Most memory of the router that was ever resident, when all was announced. */
  readonly peakBytes: number;
  /** Of UPDATEs as they were sent. */
  readonly bytes: number;
  /** Milliseconds from a death until the receiver was told that the last of its routes is gone. */
  readonly deaths: readonly number[];
}
