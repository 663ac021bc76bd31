import type { TcpOptions } from '#host/tcp/options.ts';
import type { RtrIntervals } from '#protocol/rpki/wire/end-of-data.ts';

/** One RPKI cache as it is asked for; plain, so that it can be posted. */
export interface RtrCacheConfig {
  /** For people. */
  readonly name: string;
  /** Text of its address. */
  readonly address: string;
  readonly port: number;
  /** Text of the address that we connect from; undefined: whichever fits. */
  readonly localAddress?: string | undefined;
  /** The lower, the more preferred (RFC 8210 §10). */
  readonly preference: number;
  readonly tcp: TcpOptions;
  /** Until the cache says others. */
  readonly intervals: RtrIntervals;
}

/** How a cache is, for `cloudbridge bgp status`. */
export interface RtrCacheStatus {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly preference: number;
  /** `standby`: one that is more preferred has all; otherwise as in `RtrState`. */
  readonly state: string;
  /** Routes are validated by what it has said. */
  readonly used: boolean;
  /** Of the protocol. */
  readonly version: number;
  readonly serial: number;
  readonly records: number;
  /** Seconds until what it has said is no longer used; absent: it has said nothing. */
  readonly expiresSeconds?: number;
  /** Why the last connection ended, or what was wrong with it. */
  readonly lastError?: string;
}
