import { NEVER, type TimeUs } from '../../contract.ts';
import type { EcnCounts } from './ecn.ts';
import { SentPackets } from './sent-packets.ts';

/** Packet number spaces (RFC 9000 §12.3). */
export const Space = { initial: 0, handshake: 1, application: 2 } as const;
export type Space = (typeof Space)[keyof typeof Space];

/** What loss recovery knows of one packet number space (RFC 9002 §A.3). */
export class PacketSpace {
  readonly id: Space;
  sent: SentPackets;
  /** -1: nothing was acknowledged. */
  largestAcked = -1;
  /** Every number below it is acknowledged, lost or skipped. */
  lossCursor = 0;
  /** When the packet at the cursor will be deemed lost, if it is not acknowledged before. */
  lossTime: TimeUs = NEVER;
  /** The cursor has passed an acknowledged packet since this was cleared. */
  passedAcked = false;
  ackElicitingInFlight = 0;
  lastAckElicitingTime: TimeUs = 0;
  /** When the newest packet that was acknowledged was sent. */
  newestAckedSentTime: TimeUs = Number.NEGATIVE_INFINITY;
  readonly ecn: EcnCounts = { marked: 0, ect0: 0, ce: 0 };
  /** Data of the handshake waits for the window. */
  held = false;
  /** Ack-eliciting packets to send as probes. */
  probesOwed = 0;
  /** Where `probe` goes on looking for something to send again. */
  probeCursor = 0;

  readonly #maxPackets: number;

  constructor(id: Space, maxPackets: number) {
    this.id = id;
    this.#maxPackets = maxPackets;
    this.sent = new SentPackets(maxPackets);
  }

  /** As if nothing had been sent. */
  restart(): void {
    this.sent = new SentPackets(this.#maxPackets);
    this.clear();
  }

  /** Forgets every packet; numbers go on. */
  clear(): void {
    this.sent.clear();
    this.lossCursor = this.sent.nextPacketNumber;
    this.lossTime = NEVER;
    this.passedAcked = false;
    this.ackElicitingInFlight = 0;
    this.held = false;
    this.probesOwed = 0;
    this.probeCursor = this.lossCursor;
  }
}
