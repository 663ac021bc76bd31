import type { FamilyRib } from '#protocol/bgp/rib/family-rib.ts';
import { MAX_MESSAGE_BYTES } from '#protocol/bgp/wire/header.ts';
import { UpdateWriter } from '#protocol/bgp/wire/update-writer.ts';
import { type BmpSubject, HEADS_BYTES } from './wire/header.ts';
import { writeMonitoringHeads } from './wire/route-monitoring.ts';

/** Withdrawals as they happen, as many in an UPDATE as fit: what is withdrawn has no name any more when its turn comes. */
export class Withdrawals {
  readonly #flags: number;
  readonly #push: (message: Uint8Array) => void;
  readonly #writer = new UpdateWriter();
  readonly #buffer = new Uint8Array(HEADS_BYTES + MAX_MESSAGE_BYTES);
  #rib: FamilyRib | undefined;
  #subject: BmpSubject | undefined;

  /** @param flags of `PeerFlag` */
  constructor(flags: number, push: (message: Uint8Array) => void) {
    this.#flags = flags;
    this.#push = push;
  }

  /** @param subject one object for as long as it is the same one @param pathIdFamilies in which its prefixes have identifiers */
  add(
    rib: FamilyRib,
    subject: BmpSubject,
    pathIdFamilies: readonly number[],
    destination: number,
    pathId: number,
  ): void {
    const { destinations, family } = rib;
    if (this.#rib === rib && this.#subject === subject && destinations.addTo(this.#writer, destination, pathId)) return;
    this.flush();
    this.#rib = rib;
    this.#subject = subject;
    this.#writer.withdraw(this.#buffer, HEADS_BYTES, this.#buffer.length, family, { asBytes: 4, pathIdFamilies });
    destinations.addTo(this.#writer, destination, pathId);
  }

  /** Hands over what is there. */
  flush(): void {
    if (this.#subject === undefined) return;
    const end = this.#writer.finish();
    writeMonitoringHeads(this.#buffer, 0, end, this.#subject, this.#flags);
    this.#push(this.#buffer.slice(0, end));
    this.#subject = undefined;
    this.#rib = undefined;
  }
}
