import type { JsonObject } from '@bufbuild/protobuf';
import type { WorkerState } from '#control/source.ts';
import type { MeshStatus } from '#pop-worker/mesh/messages.ts';
import type { BfdStatus } from '#pop-worker/routing/bfd/service.ts';
import type { WorkerAnycastStatus } from './anycast/worker-anycast.ts';
import type { Orders } from './orders.ts';
import type { WorkerDnsStatus } from './worker-dns.ts';

/** What `cloudbridge worker status` shows. */
export interface WorkerStatus {
  readonly pop: string;
  readonly worker: string;
  readonly state: WorkerState;
  /** Why it is in that state, where its own checks are the cause. */
  readonly reason?: string;
  readonly orders: Orders;
  readonly healthy: boolean;
  readonly upSeconds: number;
  readonly sessions: number;
  readonly connections: number;
  readonly tenants: number;
  /** What it knows of its control plane (`controlJson`); absent: it has none. */
  readonly control?: JsonObject;
  /** Absent: it has no `[bfd]`. */
  readonly bfd?: BfdStatus;
  /** Absent: it has no `[bgp]`. */
  readonly anycast?: WorkerAnycastStatus;
  /** Absent: it has no `[dns]`. */
  readonly dns?: WorkerDnsStatus;
  /** Absent: it has no `[mesh]`, or that does not answer. */
  readonly mesh?: MeshStatus;
}

/** What of WireGuard still goes by the key before the newest; devices as TENANT/DEVICE. */
export interface WireGuardKeysStatus {
  /** Those that are here by it. */
  readonly byPreviousKey: readonly string[];
  /** Those of all devices whose preshared key is sealed to it. */
  readonly sealedToPreviousKey: readonly string[];
}
