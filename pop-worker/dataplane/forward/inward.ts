import type { Sum } from '#protocol/ip/checksum.ts';
import { IcmpError } from '#protocol/ip/icmp.ts';
import { clampMss, decrementHopLimit, rewriteAddress } from '#protocol/ip/rewrite.ts';
import { Segmenter } from '#protocol/ip/segmenter.ts';
import { IpFault, type IpView } from '#protocol/ip/view.ts';
import { NatDrop } from '#protocol/nat/counters.ts';
import type { ForwardCounters } from './counters.ts';
import { type Delivery, mayFragment } from './delivery.ts';
import { Drop, natReason } from './drop-reason.ts';
import type { ErrorReports } from './error-reports.ts';
import type { Session } from './session.ts';
import type { TenantTable } from './tenant-table.ts';

export interface InwardParts {
  readonly tenants: TenantTable;
  readonly sum: Sum;
  readonly delivery: Delivery;
  readonly errors: ErrorReports;
  readonly counters: ForwardCounters;
}

/** A packet from outside that is known whom it is for; `view` is of it. */
export interface Incoming {
  readonly buffer: Uint8Array;
  readonly view: IpView;
  /** Payload bytes of each packet that a large one stands for; 0: it is no large one. */
  readonly segmentBytes: number;
  /** For an outside address of a device. */
  readonly isPool: boolean;
}

/** Hands packets from outside to sessions, cut to what their links take, with the devices' own addresses. */
export class Inward {
  readonly #parts: InwardParts;
  readonly #segmenter: Segmenter;

  constructor(parts: InwardParts) {
    this.#parts = parts;
    this.#segmenter = new Segmenter(parts.sum);
  }

  /** Takes one hop off; whoever sent it is told when there is none left. @param session whose it is, if it is one of ours */
  hop(incoming: Incoming, session: Session | undefined): boolean {
    if (decrementHopLimit(incoming.buffer, incoming.view)) return true;
    this.#parts.counters.drop(session, Drop.hopLimit);
    this.#tell(IcmpError.hopLimitExceeded, incoming, 0);
    return false;
  }

  /** Whether a session gets a packet from outside, as far as that is for the data plane to say. */
  isLetIn(session: Session, { buffer, view, isPool }: Incoming): boolean {
    const { tenants, counters } = this.#parts;
    // What it began before that was taken from it may still be answered.
    if (!session.egress) {
      counters.drop(session, Drop.egressNotAllowed);
      return false;
    }
    if (view.version === 6) {
      const isLetIn = tenants.correspondents?.isLetIn(buffer, view, session.pickUpUntil, session.filters) !== false;
      if (!isLetIn) counters.drop(session, Drop.unsolicited);
      return isLetIn;
    }
    if (!isPool) return true;
    const drop = tenants.nat?.find(session, buffer, view) ?? NatDrop.noMapping;
    if (drop !== NatDrop.none) counters.drop(session, natReason(drop));
    return drop === NatDrop.none;
  }

  /** To a session of ours; `isLetIn` was asked before. */
  toSession(session: Session, incoming: Incoming): void {
    const { delivery } = this.#parts;
    const { buffer, view, segmentBytes } = incoming;
    const { start, end } = view;
    const mtu = session.link.mtu();
    clampMss(buffer, view, mtu);
    if (segmentBytes > 0) this.#segments(session, incoming, mtu);
    else if (end - start > mtu && !mayFragment(view)) this.#tooBig(session, incoming, mtu);
    else {
      this.#toInner(session, incoming);
      if (end - start <= mtu) delivery.whole(session, buffer, start, end);
      else delivery.fragments(session, buffer, view, mtu);
    }
  }

  /** To a session at another worker, which translates it. @param target of routes that leads there */
  toWorker(target: number, { buffer, view, segmentBytes }: Incoming): void {
    const { delivery, counters } = this.#parts;
    if (segmentBytes === 0) {
      delivery.remote(target, buffer, view.start, view.end);
      return;
    }
    const segmenter = this.#segmenter;
    if (!segmenter.begin(buffer, view, segmentBytes)) counters.drop(undefined, Drop.offload);
    else
      for (let bytes = segmenter.nextInPlace(); bytes > 0; bytes = segmenter.nextInPlace()) {
        const { start } = segmenter;
        delivery.remote(target, buffer, start, start + bytes);
      }
  }

  /** The device's own address comes in place of what stands for it outside. */
  #toInner(session: Session, { buffer, view, isPool }: Incoming): void {
    const { address4 } = session;
    if (isPool) this.#parts.tenants.nat?.admit(session, buffer, view);
    else if (view.version === 4 && address4 !== undefined) {
      rewriteAddress(buffer, view, view.destinationAt, address4);
    }
  }

  #segments(session: Session, incoming: Incoming, mtu: number): void {
    const { buffer, view, segmentBytes } = incoming;
    const segmenter = this.#segmenter;
    const { delivery, counters } = this.#parts;
    if (!segmenter.begin(buffer, view, segmentBytes)) {
      counters.drop(session, Drop.offload);
      return;
    }
    if (segmenter.nextBytes() > mtu && !mayFragment(view)) {
      this.#tooBig(session, incoming, mtu);
      return;
    }
    // The checksum of a large packet is only begun; every segment gets a whole one, over the new address.
    this.#toInner(session, incoming);
    // The segmenter keeps the headers that it was given.
    segmenter.begin(buffer, view, segmentBytes);
    for (;;) {
      // A link copies what it takes, so the next segment may overwrite the end of this one.
      const bytes = segmenter.nextInPlace();
      if (bytes === 0) return;
      const { start } = segmenter;
      if (bytes <= mtu) delivery.whole(session, buffer, start, start + bytes);
      else if (view.parse(buffer, start, start + bytes) === IpFault.none)
        delivery.fragments(session, buffer, view, mtu);
    }
  }

  #tooBig(session: Session, incoming: Incoming, mtu: number): void {
    this.#parts.counters.drop(session, Drop.tooBig);
    this.#tell(IcmpError.packetTooBig, incoming, mtu);
  }

  #tell(error: IcmpError, { buffer, view, isPool }: Incoming, mtu: number): void {
    const { errors, tenants } = this.#parts;
    const isRouted6 = view.version === 6 && tenants.correspondents !== undefined;
    errors.toOutside(error, buffer, view, mtu, isPool || isRouted6);
  }
}
