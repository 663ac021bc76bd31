import { slotOf } from '#telemetry/slots.ts';
import type { MrtKind } from './folder.ts';

const FILES = {
  rib: slotOf('cloudbridge_mrt_files_total', { kind: 'table' }),
  updates: slotOf('cloudbridge_mrt_files_total', { kind: 'updates' }),
};
const RECORDS = slotOf('cloudbridge_mrt_records_total', {});
const DROPPED = slotOf('cloudbridge_mrt_dropped_records_total', {});
const FAILURES = slotOf('cloudbridge_mrt_failures_total', {});

/** What becomes of MRT files, in memory that others read. */
export class MrtMetrics {
  readonly #slots: Float64Array;

  constructor(slots: Float64Array) {
    this.#slots = slots;
  }

  file(kind: MrtKind): void {
    this.#add(FILES[kind], 1);
  }

  records(count: number): void {
    this.#add(RECORDS, count);
  }

  dropped(): void {
    this.#add(DROPPED, 1);
  }

  failed(): void {
    this.#add(FAILURES, 1);
  }

  #add(at: number, count: number): void {
    (this.#slots[at] as number) += count;
  }
}
