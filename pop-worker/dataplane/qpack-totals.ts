import type { QpackCounters } from '#protocol/http3/field-coding.ts';

const zero = () => ({
  inserted: { received: 0, sent: 0 },
  references: { received: 0, sent: 0 },
  blockedSections: 0,
  bytes: { received: 0, sent: 0, held: 0 },
});

export type QpackTotals = ReturnType<typeof zero>;

/** What QPACK did on all connections, and what it keeps for those there are. */
export class QpackCounting {
  /** Of connections that are over. */
  readonly #past = zero();

  /** The connection is over: what it counted stays, what it kept is gone. */
  over({ qpackCounters }: { readonly qpackCounters: QpackCounters }): void {
    add(this.#past, { ...qpackCounters, bytes: zero().bytes });
  }

  totals(live: Iterable<{ readonly qpackCounters: QpackCounters }>): QpackTotals {
    const totals = structuredClone(this.#past);
    for (const { qpackCounters } of live) add(totals, qpackCounters);
    return totals;
  }
}

const add = (totals: QpackTotals, { inserted, references, blockedSections, bytes }: QpackCounters): void => {
  totals.inserted.received += inserted.received;
  totals.inserted.sent += inserted.sent;
  totals.references.received += references.received;
  totals.references.sent += references.sent;
  totals.blockedSections += blockedSections;
  totals.bytes.received += bytes.received;
  totals.bytes.sent += bytes.sent;
  totals.bytes.held += bytes.held;
};
