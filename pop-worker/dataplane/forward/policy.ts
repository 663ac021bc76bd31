import { NO_ROUTE, type PrefixTable } from '#protocol/ip/prefix-table.ts';
import type { IpView } from '#protocol/ip/view.ts';
import { Drop } from './drop-reason.ts';
import type { Session } from './session.ts';
import type { TenantTable } from './tenant-table.ts';
import { UNREACHABLE } from './tenants.ts';

/** Destinations outside of a tenant that nobody may reach: a value above 0 refuses, 0 is an exception. */
export interface RefusedTables {
  readonly refused4: PrefixTable;
  readonly refused6: PrefixTable;
}

/** Where packets of sessions may go. */
export class Policy {
  /** May be replaced at any time. */
  refused: RefusedTables;
  readonly #tenants: TenantTable;

  constructor(tenants: TenantTable, refused: RefusedTables) {
    this.#tenants = tenants;
    this.refused = refused;
  }

  /** Why a packet of a session may not go where it wants to, or -1. @param target where its tenant's routes lead */
  refusal(session: Session, buffer: Uint8Array, view: IpView, target: number): number {
    if (target === UNREACHABLE) return Drop.noRoute;
    if (target !== NO_ROUTE) return -1;
    if (!session.egress) return Drop.egressNotAllowed;
    // What comes back is the device's own: its address alone is translated.
    if (view.version === 4 && !session.isOwn4(buffer, view.sourceAt)) return Drop.egressNotAllowed;
    if (this.#tenants.isInside(buffer, view.destinationAt, view.addressBytes)) return Drop.destinationRefused;
    const refused = view.version === 4 ? this.refused.refused4 : this.refused.refused6;
    return refused.lookup(buffer, view.destinationAt) > 0 ? Drop.destinationRefused : -1;
  }
}
