import type { CidsSetup } from './exchange/cids.ts';
import type { ExchangeMemory } from './exchange/exchange.ts';

/** What a data-plane thread is started with; plain, so that it can be posted. */
export interface ThreadSetup {
  /** Name of the worker: in Proxy-Status and thread names. */
  readonly worker: string;
  readonly index: number;
  readonly threads: number;
  readonly listen: readonly { readonly address: string; readonly port: number }[];
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
  };
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
  /** Undefined where there is one thread. */
  readonly exchange: ExchangeMemory | undefined;
  /** One block of `telemetry/slots.ts`. */
  readonly slots: SharedArrayBuffer;
  /** One Float64: milliseconds since 1970 when the thread last beat. */
  readonly heartbeat: SharedArrayBuffer;
}
