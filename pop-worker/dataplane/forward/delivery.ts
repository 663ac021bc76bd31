import { Fragmenter } from '#protocol/ip/fragmenter.ts';
import type { IpView } from '#protocol/ip/view.ts';
import type { ForwardCounters } from './counters.ts';
import { Drop } from './drop-reason.ts';
import { HeldPackets, MOST_HELD_BY_ALL_BYTES } from './held-packets.ts';
import type { ThreadsPort } from './ports.ts';
import { HEADROOM, type Session } from './session.ts';
import type { TenantTable } from './tenant-table.ts';

/** IPv4 without DF is fragmented (RFC 1812 §5.2.6): who sends it takes no heed of an ICMP error. */
export const mayFragment = (view: IpView): boolean => view.version === 4 && !view.dontFragment;

/** Hands packets to sessions: to links of ours, and to the threads of others. */
export class Delivery {
  readonly #tenants: TenantTable;
  readonly #threads: ThreadsPort | undefined;
  readonly #counters: ForwardCounters;
  readonly #fragmenter = new Fragmenter();
  /** Of what waits, in both directions. */
  readonly budget = { left: MOST_HELD_BY_ALL_BYTES };

  constructor(tenants: TenantTable, threads: ThreadsPort | undefined, counters: ForwardCounters) {
    this.#tenants = tenants;
    this.#threads = threads;
    this.#counters = counters;
  }

  /** A packet that the session's link has room for. */
  whole(session: Session, buffer: Uint8Array, start: number, end: number): void {
    if (!session.isSettled) this.#hold(session, buffer, start, end);
    else if (session.link.send(buffer, start, end)) this.#counters.down(session, end - start);
    else this.#counters.drop(session, Drop.sessionQueueFull);
  }

  /** Who has just come is sent nothing while another worker may still do it: that takes about a round trip to that one. */
  #hold(session: Session, buffer: Uint8Array, start: number, end: number): void {
    session.held ??= new HeldPackets(this.budget);
    if (!session.hasMoved && session.held.add(buffer, start, end)) this.#counters.held++;
    else this.#counters.drop(session, Drop.unsettled);
  }

  /** A session may be sent packets from now on: those that waited come first. */
  settle(session: Session): void {
    if (session.hasMoved) return;
    session.isSettled = true;
    session.held?.release((packet) => this.whole(session, packet, HEADROOM, packet.length));
    session.held = undefined;
  }

  /** A packet that is too large for the session's link. @returns false when it must not be cut */
  fragments(session: Session, buffer: Uint8Array, view: IpView, mtu: number): boolean {
    if (!this.#fragmenter.begin(buffer, view, mtu)) return false;
    this.#counters.fragmented++;
    for (;;) {
      // A link copies what it takes, so the next fragment may overwrite the end of this one.
      const bytes = this.#fragmenter.nextInPlace();
      if (bytes === 0) return true;
      const { start } = this.#fragmenter;
      this.whole(session, buffer, start, start + bytes);
    }
  }

  /**
   * A packet for a session of another thread; what is too large for it, that thread finds.
   *
   * @param target of a tenant's routes
   * @returns false when it leads to no such session
   */
  remote(target: number, buffer: Uint8Array, start: number, end: number): boolean {
    const remote = this.#tenants.remote(target);
    if (remote === undefined) return false;
    if (!this.#threads?.toSession(remote, buffer, start, end)) this.#counters.drop(undefined, Drop.threadQueueFull);
    return true;
  }
}
