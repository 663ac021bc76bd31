import { RefreshSubtype, writeRouteRefresh } from '../wire/route-refresh.ts';
import { UpdateWriter, writeEndOfRib } from '../wire/update-writer.ts';
import type { ExportGroup } from './export-group.ts';
import type { FamilyRib } from './family-rib.ts';
import type { Member } from './member.ts';
import type { RibSession } from './neighbour.ts';
import { WITHDRAWALS } from './outbox.ts';
import { Outgoing } from './outgoing.ts';

/** Makes messages of what neighbours are to be told. */
export class Packer {
  readonly #writer = new UpdateWriter();
  readonly #outgoing: Outgoing;

  constructor(clusterId: number) {
    this.#outgoing = new Outgoing(clusterId);
  }

  /** @returns bytes of the next message of a family; 0 when there is none */
  next(rib: FamilyRib, member: Member, session: RibSession, buffer: Uint8Array, at: number): number {
    const { family } = rib;
    if (member.owesBegin && member.outbox.headOf(WITHDRAWALS) < 0) {
      member.owesBegin = false;
      return writeRouteRefresh(buffer, at, { family, subtype: RefreshSubtype.begin }) - at;
    }
    const end = at + session.largestSent;
    for (let bucket = member.outbox.turn(); bucket >= 0; bucket = member.outbox.turn()) {
      if (bucket === WITHDRAWALS) return this.#withdraw(rib, member, session, buffer, at, end) - at;
      const next = this.#announce(rib, member, session, bucket, buffer, at, end);
      if (next > at) return next - at;
    }
    if (member.owesEndOfRib) {
      member.owesEndOfRib = false;
      if (member.owesRefresh) member.refresh(session.enhancedRouteRefresh);
      return writeEndOfRib(buffer, at, family) - at;
    }
    if (!member.owesEnd) return 0;
    member.owesEnd = false;
    return writeRouteRefresh(buffer, at, { family, subtype: RefreshSubtype.end }) - at;
  }

  #withdraw(
    rib: FamilyRib,
    { outbox, group }: Member,
    { writeRules }: RibSession,
    buffer: Uint8Array,
    at: number,
    end: number,
  ): number {
    this.#writer.withdraw(buffer, at, end, rib.family, writeRules);
    for (;;) {
      const item = outbox.headOf(WITHDRAWALS);
      if (item < 0 || !this.#add(rib, group, item)) return this.#writer.finish();
      outbox.told(item, false);
      group.unhold(item);
    }
  }

  /** @returns `at` when these attributes cannot be sent to this neighbour */
  #announce(
    rib: FamilyRib,
    member: Member,
    { writeRules }: RibSession,
    bucket: number,
    buffer: Uint8Array,
    at: number,
    end: number,
  ): number {
    const { outbox, group } = member;
    const first = outbox.headOf(bucket);
    const flags = group.flagsOf(first);
    const out = this.#outgoing;
    out.write(rib.store, bucket - 1, flags, group.rules);
    if (!this.#writer.announce(buffer, at, end, rib.family, out.bytes, 0, out.end, out.nextHop, writeRules)) {
      leaveOut(member, bucket);
      return at;
    }
    for (let item = first; item >= 0 && group.flagsOf(item) === flags; item = outbox.headOf(bucket)) {
      if (!this.#add(rib, group, item)) break;
      outbox.told(item, true);
    }
    return this.#writer.finish();
  }

  #add({ destinations }: FamilyRib, group: ExportGroup, item: number): boolean {
    return destinations.addTo(this.#writer, group.destinationOf(item), group.pathIdOf(item));
  }
}

/** RFC 4271 §9.2: what does not fit a message is not told of, and withdrawn where it was. */
const leaveOut = ({ outbox, group }: Member, bucket: number): void => {
  for (let item = outbox.headOf(bucket); item >= 0; item = outbox.headOf(bucket)) {
    if (outbox.wasSent(item)) outbox.put(item, WITHDRAWALS);
    else {
      outbox.drop(item);
      group.unhold(item);
    }
  }
};
