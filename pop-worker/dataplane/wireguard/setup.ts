import type { WireGuardKeys } from '#model/wireguard-keys.ts';

/** The data-plane thread, at every worker, that others hand datagrams to; it hands them on to whoever has their peers. */
export const WIREGUARD_THREAD = 0;

/** WireGuard of a worker, as its data-plane threads are started with it; plain, so that it can be posted. Each wipes its keys. */
export interface WireGuardSetup extends WireGuardKeys {
  /** At all listen addresses. */
  readonly port: number;
  /** Bytes of the largest packet inside. */
  readonly mtu: number;
  /** Peers of the worker at the same time; more are counted and not served. */
  readonly mostPeers: number;
  /** More handshake messages a second, of all together, ask for cookies. */
  readonly handshakesASecond: number;
  /** By which threads bind their sockets one after the other (`host/thread/turn.ts`); undefined where there is one. */
  readonly turn?: SharedArrayBuffer | undefined;
}
