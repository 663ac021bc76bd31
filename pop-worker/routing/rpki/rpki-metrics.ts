import type { VrpTable } from '#protocol/rpki/vrp-table.ts';
import { labelValues } from '#telemetry/metrics.ts';
import { slotOf } from '#telemetry/slots.ts';

const CACHES = new Map(
  labelValues('cloudbridge_rpki_caches_count', 'state').map((state) => [
    state as string,
    slotOf('cloudbridge_rpki_caches_count', { state }),
  ]),
);
const RECORDS = slotOf('cloudbridge_rpki_records_count', {});
const REVALIDATIONS = slotOf('cloudbridge_rpki_revalidations_total', {});
const FAILURES = slotOf('cloudbridge_rpki_failures_total', {});

/** What RPKI caches come to, in memory that others read. */
export class RpkiMetrics {
  readonly #slots: Float64Array;

  constructor(slots: Float64Array) {
    this.#slots = slots;
  }

  failed(): void {
    (this.#slots[FAILURES] as number) += 1;
  }

  revalidated(): void {
    (this.#slots[REVALIDATIONS] as number) += 1;
  }

  /** @param tables that are used */
  collect(caches: readonly { readonly state: string }[], tables: readonly VrpTable[]): void {
    const slots = this.#slots;
    for (const at of CACHES.values()) slots[at] = 0;
    for (const { state } of caches) (slots[CACHES.get(state) as number] as number) += 1;
    slots[RECORDS] = tables.reduce((sum, { size }) => sum + size, 0);
  }
}
