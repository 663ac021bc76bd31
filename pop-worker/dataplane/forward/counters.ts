import { DropCounters } from './drop-reason.ts';
import { type Session, SessionCounters } from './session.ts';

/** What became of the packets of a data-plane thread. */
export class ForwardCounters {
  readonly drops = new DropCounters();
  /** Of all sessions, also those that are over. */
  readonly totals = new SessionCounters();
  /** Packets that were cut into fragments. */
  fragmented = 0;
  /** Packets that waited until their device could be sent anything. */
  held = 0;
  /** Packets for a device that had moved, which went after it. */
  followed = 0;

  /** A session's device sent a packet. */
  up(session: Session, bytes: number): void {
    session.counters.up(bytes);
    this.totals.up(bytes);
  }

  /** A session's device is sent a packet. */
  down(session: Session, bytes: number): void {
    session.counters.down(bytes);
    this.totals.down(bytes);
  }

  /** @param session whose packet it was, if it was one of ours @param reason of `Drop`, or an `IpFault` less one */
  drop(session: Session | undefined, reason: number): void {
    if (session !== undefined) session.counters.dropped++;
    this.drops.count(reason);
  }
}
