import type { HealthState } from './backend-health.ts';
import type { CheckedBackend } from './checked-backend.ts';
import { CHECK_KINDS, type CheckKind, type CheckResult } from './wanted.ts';

export type CheckCounts = Record<CheckKind, Record<CheckResult['outcome'], number>>;

export const noCounts = (): CheckCounts =>
  Object.fromEntries(CHECK_KINDS.map((kind) => [kind, { passed: 0, failed: 0, timedOut: 0 }])) as CheckCounts;

export interface CheckedBackendStatus {
  readonly address: string;
  readonly health: HealthState;
  /** In this state, so far. */
  readonly seconds: number;
  /** How the last check ended; absent: none has yet. */
  readonly reason?: string | undefined;
  /** Of dampening, now. */
  readonly penalty: number;
}

export interface CheckedServiceStatus {
  readonly service: string;
  /** Nobody is well, so that all are used. */
  readonly isPanicking: boolean;
  readonly backends: readonly CheckedBackendStatus[];
}

/** What `cloudbridge xdp status` shows of checks. */
export interface ChecksStatus {
  readonly services: readonly CheckedServiceStatus[];
  /** How often a service began to use all since the start, as nobody was well. */
  readonly panics: number;
  /** How checks ended, by their kind. */
  readonly counts: CheckCounts;
}

interface Known {
  readonly services: ReadonlyMap<string, readonly CheckedBackend[]>;
  readonly panicking: ReadonlySet<string>;
  readonly panics: number;
  readonly counts: CheckCounts;
  readonly nowMs: number;
}

export const statusOf = ({ services, panicking, panics, counts, nowMs }: Known): ChecksStatus => ({
  services: [...services].map(([service, backends]) => ({
    service,
    isPanicking: panicking.has(service),
    backends: backends.map(({ target, health, last }) => ({
      ...{ address: target.backend, health: health.state, reason: last?.reason },
      seconds: Math.floor((nowMs - health.sinceMs) / 1000),
      penalty: Math.round(health.penalty(nowMs)),
    })),
  })),
  panics,
  counts: structuredClone(counts),
});
