import { nextHopOf } from '#protocol/bgp/rib/edits.ts';
import type { FamilyRib } from '#protocol/bgp/rib/family-rib.ts';
import { REJECT } from '#protocol/bgp/rib/route-policy.ts';
import { addressBits, isFlow } from '#protocol/bgp/wire/families.ts';
import { MAX_EXTENDED_MESSAGE_BYTES, MAX_MESSAGE_BYTES } from '#protocol/bgp/wire/header.ts';
import { UpdateWriter } from '#protocol/bgp/wire/update-writer.ts';
import { DirtyQueue } from './dirty-queue.ts';
import { type BmpSubject, HEADS_BYTES } from './wire/header.ts';
import { writeMonitoringHeads } from './wire/route-monitoring.ts';

/** Whom routes of a view are told to be of. */
export interface Monitored {
  readonly subject: BmpSubject;
  readonly pathIdFamilies: readonly number[];
}

/** What one table of a family says of an item. */
export interface ViewSource {
  /** Undefined: it is not told (any more). */
  monitoredOf(item: number): Monitored | undefined;
  /** Its attributes, or `REJECT`: it is withdrawn. */
  setOf(item: number): number;
  destinationOf(item: number): number;
  pathIdOf(item: number): number;
}

/** One table of one family as a station is told it: what has changed, once, as it is when its turn comes (RFC 7854 §5). */
export class View {
  readonly dirty = new DirtyQueue();
  readonly rib: FamilyRib;
  readonly #flags: number;
  readonly #source: ViewSource;
  readonly #writer = new UpdateWriter();

  /** @param flags of `PeerFlag` */
  constructor(rib: FamilyRib, flags: number, source: ViewSource) {
    this.rib = rib;
    this.#flags = flags;
    this.#source = source;
  }

  /**
   * Writes the next message.
   *
   * @param out has room for the largest one behind `at`
   * @returns its bytes; 0 when there is nothing to tell
   */
  next(out: Uint8Array, at: number): number {
    const { dirty } = this;
    while (dirty.size > 0) {
      const item = dirty.first;
      const monitored = this.#source.monitoredOf(item);
      const set = this.#source.setOf(item);
      if (monitored === undefined || !this.#begin(out, at + HEADS_BYTES, monitored, set)) {
        dirty.shift();
        continue;
      }
      this.#addAlike(monitored, set);
      const end = this.#writer.finish();
      writeMonitoringHeads(out, at, end, monitored.subject, this.#flags);
      return end - at;
    }
    return 0;
  }

  /** @returns false when these attributes fit no message */
  #begin(out: Uint8Array, at: number, { pathIdFamilies }: Monitored, set: number): boolean {
    const { family, store } = this.rib;
    const rules = { asBytes: 4, pathIdFamilies } as const;
    if (set === REJECT) {
      this.#writer.withdraw(out, at, at + MAX_MESSAGE_BYTES, family, rules);
      return true;
    }
    const start = store.startOf(set);
    const end = start + store.lengthOf(set);
    const known = nextHopOf(store, set);
    // Our own routes go with our address, whichever that is.
    const hop = known.length > 0 || isFlow(family) ? known : new Uint8Array(addressBits(family) / 8);
    return [MAX_MESSAGE_BYTES, MAX_EXTENDED_MESSAGE_BYTES].some((most) =>
      this.#writer.announce(out, at, at + most, family, store.bytesOf(set), start, end, hop, rules),
    );
  }

  /** All that follow and go with the same attributes, as far as there is room. */
  #addAlike(monitored: Monitored, set: number): void {
    const { dirty } = this;
    const source = this.#source;
    const { destinations } = this.rib;
    for (let item = dirty.first; item >= 0; item = dirty.first) {
      if (source.monitoredOf(item) !== monitored || source.setOf(item) !== set) return;
      if (!destinations.addTo(this.#writer, source.destinationOf(item), source.pathIdOf(item))) return;
      dirty.shift();
    }
  }
}
