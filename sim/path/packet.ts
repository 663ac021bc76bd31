import type { TimeUs } from '#protocol/contract.ts';

/** A datagram on its way. */
export interface Packet {
  readonly bytes: Uint8Array;
  /** On the wire: with IP and UDP headers. */
  readonly size: number;
  /** Which flow it belongs to. */
  readonly flow: number;
  /** Codepoint in its IP header (RFC 3168 §5); a queue may turn ECT into CE. */
  ecn: number;
  /** When its sender let it go. */
  readonly sentAt: TimeUs;
  /** Takes it at the far end. */
  readonly deliver: (packet: Packet) => void;
}

/** Where packets go next. */
export type Next = (packet: Packet) => void;
