import type { TimeUs } from '../contract.ts';

/**
 * What one ACK frame says about the path (draft-ietf-ccwg-bbr §4.1.2.1.3). One object a connection, overwritten by every
 * ACK frame. Bytes, microseconds, bytes a second.
 */
export interface RateSample {
  /** Bytes delivered between sending the newest acknowledged packet and its acknowledgement. */
  delivered: number;
  /** The longer of send and ACK interval; 0: there is no sample. */
  intervalUs: TimeUs;
  /** 0: there is no sample. */
  deliveryRate: number;
  /** Since the newest acknowledged packet was sent, without correction for ACK delay; -1: there is none. */
  rttUs: TimeUs;
  /** The RFC 9002 estimates after this ACK. */
  smoothedRttUs: TimeUs;
  minRttUs: TimeUs;
  /** Bytes in flight before this ACK frame. */
  priorInFlight: number;
  /** Connection's delivered count when the newest acknowledged packet was sent (P.delivered). */
  priorDelivered: number;
  /** Connection's delivered count now (C.delivered). */
  totalDelivered: number;
  /** Bytes that this ACK frame acknowledged for the first time, and that were in flight. */
  newlyAcked: number;
  /** Those of `newlyAcked` that were sent after the recovery period began. */
  ackedOutsideRecovery: number;
  /** Bytes deemed lost because of this ACK frame. */
  newlyLost: number;
  /** Bytes lost, or marked with ECN-CE, between sending the newest acknowledged packet and now. */
  lost: number;
  /** The newest acknowledged packet was sent while the application had too little to send. */
  isAppLimited: boolean;
  /** Bytes in flight right after the newest acknowledged packet was sent. */
  txInFlight: number;
  /** When the newest acknowledged packet was sent. */
  largestSentTime: TimeUs;
  /** Packet-timed round trips so far (draft-ietf-ccwg-bbr §5.5.1), with one that this ACK ends. */
  roundCount: number;
}

/** What is known of one lost packet. One object a connection, overwritten by every loss. */
export interface LostPacket {
  packetNumber: number;
  bytes: number;
  sentTime: TimeUs;
  /** Bytes in flight right after it was sent. */
  txInFlight: number;
  /** Connection's delivered count when it was sent. */
  delivered: number;
  /** Bytes lost, or marked with ECN-CE, between sending it and now, with it. */
  lost: number;
  /** Connection's delivered count now. */
  totalDelivered: number;
  isAppLimited: boolean;
}

/** Per-packet state of the sampler: columns of the ring of sent packets, indexed by slot. */
export interface DeliveryColumns {
  sentTime: Float64Array;
  /** C.delivered when the packet was sent. */
  delivered: Float64Array;
  /** C.delivered_time when it was sent. */
  deliveredTime: Float64Array;
  /** C.first_send_time when it was sent. */
  firstSentTime: Float64Array;
  /** Bytes in flight with it. */
  txInFlight: Float64Array;
  /** C.lost when it was sent. */
  lost: Float64Array;
}

/** Delivery rate of one path (draft-ietf-ccwg-bbr-06 §4.1). The sample object is reused. */
export class RateSampler {
  readonly sample: RateSample = {
    delivered: 0,
    intervalUs: 0,
    deliveryRate: 0,
    rttUs: -1,
    smoothedRttUs: 0,
    minRttUs: 0,
    priorInFlight: 0,
    priorDelivered: 0,
    totalDelivered: 0,
    newlyAcked: 0,
    ackedOutsideRecovery: 0,
    newlyLost: 0,
    lost: 0,
    isAppLimited: false,
    txInFlight: 0,
    largestSentTime: 0,
    roundCount: 0,
  };
  /** C.delivered, C.lost: bytes so far. A mark counts as a loss (draft-ietf-ccwg-bbr §3.7). */
  delivered = 0;
  lost = 0;
  #deliveredTime: TimeUs = 0;
  #firstSentTime: TimeUs = 0;
  /** Bytes delivered at which the application-limited bubble is gone; 0: there is none. */
  #appLimitedUntil = 0;
  #nextRoundDelivered = 0;
  #roundCount = 0;
  /** Of the sample that is being made. */
  #newest = -1;
  #sendElapsed: TimeUs = 0;
  #ackElapsed: TimeUs = 0;
  #lostAtSend = 0;

  get isAppLimited(): boolean {
    return this.#appLimitedUntil !== 0;
  }

  /** §4.1.2.2. @param bytesInFlight with this packet @param priorInFlight without it */
  onPacketSent(
    columns: DeliveryColumns,
    slot: number,
    now: TimeUs,
    priorInFlight: number,
    bytesInFlight: number,
  ): void {
    if (priorInFlight === 0) {
      this.#firstSentTime = now;
      this.#deliveredTime = now;
    }
    columns.firstSentTime[slot] = this.#firstSentTime;
    columns.deliveredTime[slot] = this.#deliveredTime;
    columns.delivered[slot] = this.delivered;
    columns.txInFlight[slot] = bytesInFlight;
    columns.lost[slot] = this.lost;
  }

  /** §4.1.2.3: an ACK frame comes. */
  begin(bytesInFlight: number): void {
    const sample = this.sample;
    sample.priorInFlight = bytesInFlight;
    sample.delivered = 0;
    sample.intervalUs = 0;
    sample.deliveryRate = 0;
    sample.rttUs = -1;
    sample.newlyAcked = 0;
    sample.ackedOutsideRecovery = 0;
    sample.newlyLost = 0;
    sample.lost = 0;
    sample.isAppLimited = false;
    sample.txInFlight = 0;
    sample.priorDelivered = 0;
    sample.largestSentTime = 0;
    this.#newest = -1;
  }

  /** A packet is acknowledged for the first time. Within one ACK frame numbers ascend. */
  onPacketAcked(
    columns: DeliveryColumns,
    slot: number,
    packetNumber: number,
    bytes: number,
    isAppLimited: boolean,
    now: TimeUs,
  ): void {
    const sentTime = columns.sentTime[slot] as number;
    this.delivered += bytes;
    this.#deliveredTime = now;
    const newer = sentTime > this.#firstSentTime || (sentTime === this.#firstSentTime && packetNumber > this.#newest);
    if (this.#newest >= 0 && !newer) return;
    const sample = this.sample;
    this.#newest = packetNumber;
    sample.priorDelivered = columns.delivered[slot] as number;
    sample.isAppLimited = isAppLimited;
    sample.txInFlight = columns.txInFlight[slot] as number;
    sample.largestSentTime = sentTime;
    this.#lostAtSend = columns.lost[slot] as number;
    this.#sendElapsed = sentTime - (columns.firstSentTime[slot] as number);
    this.#ackElapsed = now - (columns.deliveredTime[slot] as number);
    this.#firstSentTime = sentTime;
  }

  /** The ACK frame tells of ECN-CE, though not on which packets. @param bytes of full packets; what it acknowledges is no less */
  onMarked(bytes: number): void {
    this.lost += Math.min(bytes, this.sample.newlyAcked);
  }

  /** The ACK frame is done, and so are the losses it showed. @returns the sample, lent until the next `begin` */
  finish(now: TimeUs, smoothedRttUs: number, minRttUs: number): RateSample {
    const sample = this.sample;
    if (this.#appLimitedUntil !== 0 && this.delivered > this.#appLimitedUntil) this.#appLimitedUntil = 0;
    sample.totalDelivered = this.delivered;
    sample.smoothedRttUs = smoothedRttUs;
    sample.minRttUs = minRttUs;
    if (this.#newest < 0) return sample;
    sample.rttUs = now - sample.largestSentTime;
    sample.lost = this.lost - this.#lostAtSend;
    sample.delivered = this.delivered - sample.priorDelivered;
    // §5.5.1: a round trip is over when something sent after its start is delivered.
    if (sample.priorDelivered >= this.#nextRoundDelivered) {
      this.#nextRoundDelivered = this.delivered;
      this.#roundCount++;
    }
    sample.roundCount = this.#roundCount;
    const interval = Math.max(this.#sendElapsed, this.#ackElapsed);
    // Shorter than the shortest round trip: compressed ACKs, no reliable sample.
    if (interval < minRttUs || interval <= 0) return sample;
    sample.intervalUs = interval;
    sample.deliveryRate = (sample.delivered * 1e6) / interval;
    return sample;
  }

  /** §4.1.2.4: there is room to send, and nothing to send. */
  onApplicationLimited(bytesInFlight: number): void {
    this.#appLimitedUntil = Math.max(this.delivered + bytesInFlight, 1);
  }
}
