import { AttributeCode } from '../wire/attributes/codes.ts';
import { Family } from '../wire/families.ts';
import type { UpdateReader } from '../wire/update.ts';
import { admit, type RibIdentity } from './admission.ts';
import type { FamilyRib } from './family-rib.ts';
import type { Neighbour, RibSession } from './neighbour.ts';
import { REJECT } from './route-policy.ts';
import type { Tables } from './tables.ts';

/** Takes routes out of UPDATEs. */
export class Intake {
  readonly #tables: Tables;
  readonly #identity: RibIdentity;

  constructor(tables: Tables, identity: RibIdentity) {
    this.#tables = tables;
    this.#identity = identity;
  }

  /** What is withdrawn, then what is announced (RFC 4271 §3.1). @throws BgpError what the session is to end with */
  take(neighbour: Neighbour, update: UpdateReader): void {
    const { rules } = neighbour.session as RibSession;
    const { fields, isWithdraw } = update;
    const { buffer } = fields;
    const ipv4 = this.#tables.ribOf(Family.ipv4Unicast);
    const hasPathIds = rules.pathIdFamilies.includes(Family.ipv4Unicast);
    if (fields.withdrawnAt < fields.withdrawnEnd)
      ipv4.withdraw(neighbour, buffer, fields.withdrawnAt, fields.withdrawnEnd, hasPathIds);
    if (update.unreachAt < update.unreachEnd) {
      const { unreachFamily: family, unreachAt, unreachEnd } = update;
      this.#tables
        .ribOf(family)
        .withdraw(neighbour, buffer, unreachAt, unreachEnd, rules.pathIdFamilies.includes(family));
    }
    if (fields.nlriAt < fields.nlriEnd) {
      if (isWithdraw) ipv4.withdraw(neighbour, buffer, fields.nlriAt, fields.nlriEnd, hasPathIds);
      else {
        const nextHopAt = update.valueAt[AttributeCode.nextHop] as number;
        this.#announce(ipv4, neighbour, update, nextHopAt, 4, fields.nlriAt, fields.nlriEnd);
      }
    }
    if (update.reachAt < update.reachEnd) {
      const { reachFamily: family, reachAt, reachEnd } = update;
      const rib = this.#tables.ribOf(family);
      if (isWithdraw) rib.withdraw(neighbour, buffer, reachAt, reachEnd, rules.pathIdFamilies.includes(family));
      else this.#announce(rib, neighbour, update, update.nextHopAt, update.nextHopBytes, reachAt, reachEnd);
    }
  }

  #announce(
    rib: FamilyRib,
    neighbour: Neighbour,
    update: UpdateReader,
    nextHopAt: number,
    nextHopBytes: number,
    start: number,
    end: number,
  ): void {
    const { store } = rib;
    const { rules } = neighbour.session as RibSession;
    const received = store.intern(update, rules.asBytes, nextHopAt, nextHopBytes);
    const admitted = admit(store, received, rib.family, neighbour, this.#identity);
    try {
      const hasPathIds = rules.pathIdFamilies.includes(rib.family);
      rib.announce(neighbour, update.fields.buffer, start, end, hasPathIds, received, admitted);
    } finally {
      if (admitted !== received && admitted !== REJECT) store.release(admitted);
      store.release(received);
    }
  }
}
