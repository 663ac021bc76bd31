import type { WireGuardKeys } from '#model/wireguard-keys.ts';

/** The data-plane thread that has it, at every worker. */
export const WIREGUARD_THREAD = 0;

/** WireGuard of a worker, as the thread that has it is started with it; plain, so that it can be posted. */
export interface WireGuardSetup extends WireGuardKeys {
  /** At all listen addresses. */
  readonly port: number;
  /** Bytes of the largest packet inside. */
  readonly mtu: number;
  /** Peers that are known at the same time; more are counted and not served. */
  readonly mostPeers: number;
  /** More handshake messages a second, of all together, ask for cookies. */
  readonly handshakesASecond: number;
}
