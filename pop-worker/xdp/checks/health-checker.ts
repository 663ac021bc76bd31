import { nowUs } from '#host/clock/clock.ts';
import type { HealthChange } from '../balance/wanted.ts';
import { type CheckNotice, type Found, HealthChecks } from './health-checks.ts';
import { probe } from './probes/probe.ts';
import type { ChecksStatus } from './status.ts';
import type { CheckTarget } from './wanted.ts';

/** Whoever waits for room waits for the next look. */
const LEAST_MS = 20;

const nowMs = (): number => nowUs() / 1000;

export interface CheckerPorts {
  /** Said to the balancer, all that was found together. */
  readonly apply: (changes: readonly HealthChange[]) => void;
  readonly notify: (notice: CheckNotice) => void;
}

/** Makes the checks of backends when they are due, and says what follows from them. */
export class HealthChecker {
  readonly #ports: CheckerPorts;
  readonly #checks = new HealthChecks(Math.random);
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(ports: CheckerPorts) {
    this.#ports = ports;
  }

  /** These from now on, and no others; those that are the same go on. @param left with what those that are new were left */
  set(targets: readonly CheckTarget[], left: readonly HealthChange[] = []): void {
    this.#checks.set(targets, nowMs(), left);
    this.#tell(this.#checks.take());
    this.#arm();
  }

  status(): ChecksStatus {
    return this.#checks.status(nowMs());
  }

  /** What is on its way ends by itself, within its timeout, and says nothing. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const deadlineMs = this.#checks.deadlineMs();
    if (deadlineMs === undefined || this.#isClosed) return;
    this.#timer = setTimeout(() => this.#look(), Math.max(LEAST_MS, deadlineMs - nowMs()));
  }

  #look(): void {
    for (const { id, target } of this.#checks.due(nowMs())) void this.#make(id, target);
    this.#tell(this.#checks.take());
    this.#arm();
  }

  async #make(id: number, target: CheckTarget): Promise<void> {
    const result = await probe(target);
    if (this.#isClosed) return;
    this.#checks.seen(id, result, nowMs());
    this.#tell(this.#checks.take());
    this.#arm();
  }

  #tell({ changes, notices }: Found): void {
    if (changes.length > 0) this.#ports.apply(changes);
    for (const notice of notices) this.#ports.notify(notice);
  }
}
