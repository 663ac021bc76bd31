import type { ExchangeMemory } from '#dataplane/exchange/exchange.ts';
import type { FenceMemory } from '#dataplane/fence.ts';
import type { WatchedThread } from '#host/thread/beats.ts';
import type { HandoffPlace } from '#protocol/mesh/wire/hello.ts';

/** Another worker as the mesh is told of it; plain, so that it can be posted. */
export interface MeshPeer {
  /** 1 to 65,535, the same for all. */
  readonly member: number;
  /** In its certificate. */
  readonly name: string;
  /** Text of the address that it listens at. */
  readonly address: string;
  readonly port: number;
  /** SHA-256 of its key (SubjectPublicKeyInfo), where that is pinned as well. */
  readonly pin?: Uint8Array | undefined;
}

/** What the mesh thread is started with. */
export interface MeshThreadSetup {
  readonly member: number;
  /** Higher than at any start before. */
  readonly incarnation: number;
  readonly listen: { readonly address: string; readonly port: number };
  readonly tls: {
    /** PEM. */
    readonly certificate: string;
    readonly key: string;
    /** Who signs members' certificates, and nobody else's. */
    readonly authority: string;
  };
  readonly peers: readonly MeshPeer[];
  /** Where this worker's threads are handed packets that reached others; undefined: nowhere. */
  readonly handoff: HandoffPlace | undefined;
  /** Data-plane threads of this worker; the mesh is one more behind them in the exchange. */
  readonly threads: number;
  readonly exchange: ExchangeMemory;
  /** Whether the data plane filters IPv6 from outside, which may come by any worker (`tun.routed6`). */
  readonly filters: boolean;
  readonly congestionControl: string;
  /** Data-plane threads, and how long each may be silent. */
  readonly watched: readonly WatchedThread[];
  /** As `allocateFence` made it. */
  readonly fence: FenceMemory;
  /** As `allocateHeard` made it; undefined: nobody wants to know. */
  readonly heard: SharedArrayBuffer | undefined;
  /** One block of `telemetry/slots.ts`. */
  readonly slots: SharedArrayBuffer;
  /** One Float64: milliseconds since 1970 when the thread last beat. */
  readonly heartbeat: SharedArrayBuffer;
}
