import { IcmpError } from '#protocol/ip/icmp.ts';
import { NO_ROUTE } from '#protocol/ip/prefix-table.ts';
import { clampMss, decrementHopLimit, rewriteAddress } from '#protocol/ip/rewrite.ts';
import { IpFault, IpView } from '#protocol/ip/view.ts';
import { NatDrop } from '#protocol/nat/counters.ts';
import type { ForwardCounters } from './counters.ts';
import type { Delivery } from './delivery.ts';
import { Drop, natReason } from './drop-reason.ts';
import type { ErrorReports } from './error-reports.ts';
import { HeldPackets } from './held-packets.ts';
import type { Policy } from './policy.ts';
import type { EgressPort } from './ports.ts';
import { HEADROOM, type Session } from './session.ts';
import type { TenantTable } from './tenant-table.ts';
import { UNREACHABLE } from './tenants.ts';

interface FromSessionsParts {
  readonly tenants: TenantTable;
  readonly egress: EgressPort;
  readonly policy: Policy;
  readonly delivery: Delivery;
  readonly errors: ErrorReports;
  readonly counters: ForwardCounters;
}

/** Takes packets that devices send, and hands each to another session of the tenant or to the outside. */
export class FromSessions {
  readonly #parts: FromSessionsParts;
  readonly #view = new IpView();

  constructor(parts: FromSessionsParts) {
    this.#parts = parts;
  }

  /** A packet of a session's device, in [start, end); its headers are changed in place. */
  take(session: Session, buffer: Uint8Array, start: number, end: number): void {
    const view = this.#view;
    const { tenants, policy, delivery, errors, counters } = this.#parts;
    const fault = view.parse(buffer, start, end);
    if (fault !== IpFault.none) {
      counters.drop(session, fault - 1);
      return;
    }
    counters.up(session, end - start);
    if (!session.ownsSource(buffer, view.sourceAt, view.addressBytes)) {
      counters.drop(session, Drop.sourceAddress);
      return;
    }
    const { routes } = session;
    const target = routes === undefined ? UNREACHABLE : routes.lookup(buffer, view.destinationAt, view.addressBytes);
    const refusal = policy.refusal(session, buffer, view, target);
    if (refusal >= 0) {
      counters.drop(session, refusal);
      const error = refusal === Drop.noRoute ? IcmpError.noRoute : IcmpError.prohibited;
      errors.toSession(session, error, buffer, view, 0);
      return;
    }
    if (!decrementHopLimit(buffer, view)) {
      counters.drop(session, Drop.hopLimit);
      errors.toSession(session, IcmpError.hopLimitExceeded, buffer, view, 0);
      return;
    }
    clampMss(buffer, view, session.link.mtu());
    if (target === NO_ROUTE) this.#toOutside(session, buffer);
    else if (!session.isTold && tenants.remote(target) !== undefined) this.#holdAway(session, buffer);
    else if (!delivery.remote(target, buffer, start, end)) this.#toSession(tenants.session(target), session, buffer);
  }

  /** A packet that another thread took from a session of its own and checked, for one of ours. */
  takeFromThread(id: number, serial: number, buffer: Uint8Array, start: number, end: number): void {
    const { tenants, counters } = this.#parts;
    const session = tenants.session(id);
    const fault = this.#view.parse(buffer, start, end);
    if (fault !== IpFault.none) counters.drop(undefined, fault - 1);
    // It went while the packet was on its way.
    else if (session?.serial !== serial) counters.drop(undefined, Drop.noRoute);
    else if (session.hasMoved) this.#follow(session, buffer);
    else this.#toSession(session, undefined, buffer);
  }

  /** Whoever answers at once would find no way back yet: another worker hears of a new device by another way than of its packets. */
  #holdAway(session: Session, buffer: Uint8Array): void {
    const { delivery, counters } = this.#parts;
    const { start, end } = this.#view;
    session.heldAway ??= new HeldPackets(delivery.budget);
    if (session.heldAway.add(buffer, start, end)) counters.held++;
    else counters.drop(session, Drop.unsettled);
  }

  /** What waited goes on, in its order. */
  told(session: Session): void {
    const { heldAway } = session;
    session.isTold = true;
    session.heldAway = undefined;
    heldAway?.release((buffer) => {
      if (this.#view.parse(buffer, HEADROOM, buffer.length) === IpFault.none) this.#toWhereItIs(session, buffer);
    });
  }

  /** A packet for a device that has moved, of somebody who had not heard of that: routes lead to where it is now. */
  #follow(session: Session, buffer: Uint8Array): void {
    this.#parts.counters.followed++;
    this.#toWhereItIs(session, buffer);
  }

  /** A packet that was checked before, by the routes of the session's tenant as they are now. */
  #toWhereItIs(session: Session, buffer: Uint8Array): void {
    const { tenants, delivery, counters } = this.#parts;
    const { start, end, destinationAt, addressBytes } = this.#view;
    const target = session.routes?.lookup(buffer, destinationAt, addressBytes) ?? UNREACHABLE;
    if (delivery.remote(target, buffer, start, end)) return;
    const next = tenants.session(target);
    if (next?.hasMoved === false) this.#toSession(next, undefined, buffer);
    else counters.drop(session, Drop.noRoute);
  }

  #toOutside(session: Session, buffer: Uint8Array): void {
    const view = this.#view;
    const { egress, counters, tenants } = this.#parts;
    if (view.version === 4 && tenants.nat !== undefined) {
      const drop = tenants.nat.outbound(session, buffer, view);
      if (drop !== NatDrop.none) {
        this.#notTranslated(session, drop, buffer);
        return;
      }
    } else if (view.version === 4) {
      if (session.carrier === undefined) {
        counters.drop(session, Drop.egressNotAllowed);
        return;
      }
      rewriteAddress(buffer, view, view.sourceAt, session.carrier);
    } else tenants.correspondents?.sent(buffer, view);
    if (!egress.add(buffer, view)) counters.drop(session, Drop.tunQueueFull);
  }

  /** It is known now what a device's IPv4 was translated to elsewhere: what waited for that goes on. */
  translated(session: Session): void {
    const { heldUp } = session;
    session.heldUp = undefined;
    heldUp?.release((buffer) => {
      if (this.#view.parse(buffer, HEADROOM, buffer.length) === IpFault.none) this.#toOutside(session, buffer);
    });
  }

  /** RFC 6888 REQ-11: who may not have more is told so, softly. */
  #notTranslated(session: Session, drop: NatDrop, buffer: Uint8Array): void {
    const { errors, counters, delivery } = this.#parts;
    if (drop === NatDrop.waiting) {
      const { start, end } = this.#view;
      session.heldUp ??= new HeldPackets(delivery.budget);
      if (session.heldUp.add(buffer, start, end)) {
        counters.held++;
        return;
      }
    }
    counters.drop(session, natReason(drop));
    if (drop !== NatDrop.exhausted && drop !== NatDrop.sessionLimit) return;
    errors.toSession(session, IcmpError.noHost, buffer, this.#view, 0);
  }

  /** @param from undefined: one of another thread */
  #toSession(target: Session | undefined, from: Session | undefined, buffer: Uint8Array): void {
    const view = this.#view;
    const { delivery, errors, counters } = this.#parts;
    if (target === undefined) {
      counters.drop(from, Drop.noRoute);
      return;
    }
    const mtu = target.link.mtu();
    clampMss(buffer, view, mtu);
    if (view.end - view.start <= mtu) delivery.whole(target, buffer, view.start, view.end);
    else if (!delivery.fragments(target, buffer, view, mtu)) {
      counters.drop(from, Drop.tooBig);
      if (from !== undefined) errors.toSession(from, IcmpError.packetTooBig, buffer, view, mtu);
      else errors.toRemote(target, IcmpError.packetTooBig, buffer, view, mtu);
    }
  }
}
