import type { TimeUs } from '../contract.ts';
import type { LostPacket, RateSample } from './rate-sampler.ts';

/** What a controller is made with. */
export interface ControllerOptions {
  /** Largest datagram that the path takes now, in bytes (RFC 9002 §7.2: max_datagram_size). */
  readonly maxDatagramBytes: number;
  /** Uniform in [0, 1); BBR spreads its probes with it (draft-ietf-ccwg-bbr §5.3.3.8). */
  readonly random: () => number;
}

/**
 * A congestion controller of one path: NewReno, CUBIC and BBRv3 fit alike.
 *
 * Order of calls while one ACK frame is processed: `onPacketLost` for each packet that it shows to be lost, then
 * `onCongestionEvent` once if there was any, then `onAck` once (RFC 9002 §A.7; draft-ietf-ccwg-bbr §5.2.3). Losses that
 * a timer finds come without `onAck`. Packets that only probe the MTU, or that another path carried, are told to nobody.
 *
 * Sizes are bytes of QUIC packets, times microseconds, rates bytes a second.
 */
export interface CongestionController {
  /** The name under which the registry has it. */
  readonly name: string;
  /** In bytes; never below two datagrams. */
  readonly congestionWindow: number;
  /** In bytes a second; `Infinity`: no pacing. Zero never. */
  readonly pacingRate: number;
  /** Bytes that may leave back to back, at most 64 KiB. */
  readonly sendQuantum: number;
  /** What the controller is doing, for metrics: `slow-start`, `congestion-avoidance`, `recovery`, `startup`, … */
  readonly state: string;
  /** It sends less than the path takes, to measure: what leaves meanwhile counts as limited by the application. */
  readonly holdsBack: boolean;
  /** When the latest recovery period began, `-Infinity` before the first (RFC 9002 §7.3.2). */
  readonly recoveryStartTime: TimeUs;

  /** An in-flight packet leaves. @param bytesInFlight with this packet */
  onPacketSent(now: TimeUs, bytes: number, bytesInFlight: number): void;

  /** One ACK frame that acknowledged something new. The sample is lent for the call. */
  onAck(now: TimeUs, sample: RateSample, bytesInFlight: number): void;

  /** One packet is deemed lost, in order of packet numbers. The object is lent for the call. */
  onPacketLost(now: TimeUs, packet: LostPacket): void;

  /**
   * Loss, or an increase of the ECN-CE count (RFC 9002 §7.1, §B.6). Whether a new recovery period begins is the
   * controller's to decide: not if `largestSentTime` lies before the present one's start.
   *
   * @param lostBytes 0 for ECN alone
   * @param largestSentTime when the newest of the lost or CE-marked packets was sent
   * @param persistent persistent congestion was established (RFC 9002 §7.6); `onPersistentCongestion` follows
   * @param marks packets that came with ECN-CE, 0: the signal is loss
   */
  onCongestionEvent(
    now: TimeUs,
    lostBytes: number,
    largestSentTime: TimeUs,
    persistent: boolean,
    marks: number,
    bytesInFlight: number,
  ): void;

  /** RFC 9002 §7.6.2: down to the minimum window. */
  onPersistentCongestion(now: TimeUs): void;

  /** Every packet that was deemed lost in this recovery period has been acknowledged late: it may be undone. */
  onSpuriousLoss(now: TimeUs): void;

  /** There was room in the window, and nothing to send. */
  onApplicationLimited(now: TimeUs, bytesInFlight: number): void;

  /** Before the first packet after nothing was in flight. @param isAppLimited nothing was because there was nothing to send */
  onIdleRestart(now: TimeUs, isAppLimited: boolean): void;

  /** DPLPMTUD found another size, in bytes. */
  onMtuChange(maxDatagramBytes: number): void;
}

/** RFC 9002 §7.2: ten datagrams, limited to the larger of 14720 bytes and two datagrams. */
export const initialWindow = (maxDatagramBytes: number): number =>
  Math.min(10 * maxDatagramBytes, Math.max(14_720, 2 * maxDatagramBytes));

/** RFC 9002 §7.2: kMinimumWindow. */
export const minimumWindow = (maxDatagramBytes: number): number => 2 * maxDatagramBytes;

/** No burst is longer than one GSO message takes. */
export const MAX_SEND_QUANTUM = 65_536;
