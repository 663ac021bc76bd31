/** Where a frame for an address goes. */
export interface NextHop {
  /** Link-layer address of the next one. */
  readonly nextHop: Uint8Array;
  /** …and ours. */
  readonly own: Uint8Array;
  /** Number of the interface; 0: the one that the packet came by. */
  readonly interface: number;
  /** Of IP packets on the way. */
  readonly mtu: number;
  /** Of outer packets: the whole address, or one whose last bits `spread` says are the flow's. */
  readonly source: Uint8Array;
  /** Of the last 32 bits of `source`, those that follow from the flow. */
  readonly spread: number;
}

/** @returns undefined: nobody knows the way yet */
export type FindNextHop = (address: Uint8Array) => NextHop | undefined;
