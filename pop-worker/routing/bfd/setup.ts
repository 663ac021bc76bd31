import type { WatchedThread } from '#host/thread/beats.ts';
import type { AuthenticationOptions } from '#protocol/bfd/authentication/table.ts';
import { MOST_SESSIONS } from '#protocol/bfd/options.ts';
import type { Timing } from '#protocol/bfd/parameters.ts';
import { STATS } from '#protocol/bfd/stats.ts';

/** One session as it is asked for; plain, so that it can be posted. */
export interface BfdSessionConfig extends Timing {
  /** Text of the address that the peer sends to, and that we send from. */
  readonly local: string;
  readonly remote: string;
  /** The interface that a single-hop session is bound to (RFC 5881 §3); undefined: whichever has the address. */
  readonly device?: string | undefined;
  /** The interface has one other end (RFC 5881 §6). */
  readonly pointToPoint?: boolean;
  readonly multiHop: boolean;
  /** Of a multi-hop session. */
  readonly leastHopLimit?: number;
  readonly passive?: boolean;
  readonly authentication?: AuthenticationOptions | undefined;
}

/** What the BFD thread is started with. */
export interface BfdThreadSetup {
  /** One block of `telemetry/slots.ts`. */
  readonly slots: SharedArrayBuffer;
  /** `protocol/bfd/stats.ts` of each session, by its index. */
  readonly table: SharedArrayBuffer;
  /** One Float64 that this thread changes. */
  readonly beat: SharedArrayBuffer;
  readonly watched: readonly WatchedThread[];
  /** SCHED_RR with this priority, 1 to 99; 0: not. */
  readonly priority: number;
  /** Path of the network namespace to be in; undefined: that of the process. */
  readonly namespace?: string | undefined;
}

export const allocateTable = (): SharedArrayBuffer =>
  new SharedArrayBuffer(MOST_SESSIONS * STATS.length * Float64Array.BYTES_PER_ELEMENT);

/** One session's row of the table. */
export const rowOf = (table: SharedArrayBuffer, index: number): Float64Array =>
  new Float64Array(table, index * STATS.length * Float64Array.BYTES_PER_ELEMENT, STATS.length);
