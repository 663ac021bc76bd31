import type { CidsSetup } from './exchange/cids.ts';
import type { ExchangeMemory } from './exchange/exchange.ts';
import type { FenceMemory } from './fence.ts';
import type { ProbeRoute } from './forward/kernel-probe.ts';
import type { HandoffSetup } from './handoff/setup.ts';
import type { NatSetup } from './nat/setup.ts';
import type { WireGuardSetup } from './wireguard/setup.ts';

/** What a data-plane thread is started with; plain, so that it can be posted. */
export interface ThreadSetup {
  /** Name of the worker: in Proxy-Status and thread names. */
  readonly worker: string;
  readonly index: number;
  readonly threads: number;
  readonly listen: readonly { readonly address: string; readonly port: number }[];
  /** Whether devices may come by TCP too, at the same addresses and port. */
  readonly tcp: boolean;
  readonly tls: {
    /** PEM. */
    readonly certificate: string;
    readonly key: string;
    /** 80 bytes each; the first one seals. None: a random one of this process. */
    readonly ticketKeys: readonly Uint8Array[];
    /** 32 bytes, for stateless resets; undefined: none are sent. */
    readonly resetKey: Uint8Array | undefined;
    /** 32 bytes, for address validation tokens. */
    readonly tokenKey: Uint8Array;
  };
  readonly tun: {
    /** Without one CONNECT-IP is refused. */
    readonly enabled: boolean;
    readonly name: string;
    readonly carriers: string;
    readonly router4: string;
    readonly router6: string;
    /** IPv6 from outside may come by any worker: the data plane lets in what was asked for. */
    readonly routed6: boolean;
    /** The way through the kernel is tried between these. */
    readonly probes: readonly ProbeRoute[];
  };
  /** Undefined: devices do not come by WireGuard. */
  readonly wireguard?: WireGuardSetup | undefined;
  /** Undefined: the kernel translates IPv4. */
  readonly nat?: NatSetup | undefined;
  readonly proxy: {
    readonly refused: readonly string[];
    readonly allowed: readonly string[];
    readonly resolvers: readonly string[];
  };
  /** Name of the congestion controller. */
  readonly congestionControl: string;
  /** Of the worker, for handshakes; 0: this thread does its own. */
  readonly handshakeThreads: number;
  /** What connection IDs are made by. */
  readonly cids: CidsSetup;
  /** Undefined: what belongs to other workers is not handed to them. */
  readonly handoff: HandoffSetup | undefined;
  /** Undefined where there is one thread. */
  readonly exchange: ExchangeMemory | undefined;
  /** As `allocateFence` made it; undefined: nobody gives this worker up. */
  readonly fence: FenceMemory | undefined;
  /** One block of `telemetry/slots.ts`. */
  readonly slots: SharedArrayBuffer;
  /** `host/thread/beat.ts`. */
  readonly heartbeat: SharedArrayBuffer;
}
