import type { CongestionController } from '#protocol/congestion/controller.ts';
import { type LostPacket, RateSampler } from '#protocol/congestion/rate-sampler.ts';
import type { TimeUs } from '../../contract.ts';
import type { EcnValidation } from './ecn.ts';
import { Pacer } from './pacer.ts';
import { PersistentCongestion } from './persistent-congestion.ts';
import { RecoveryPeriod } from './recovery-period.ts';
import { RttEstimator } from './rtt.ts';

/** What belongs to a path and starts anew with another one (RFC 9000 §9.4). */
export class PathRecovery {
  /** The owner's number of the path. */
  readonly id: number;
  /** Marks the packets of this object: an old path that is used again is another path to us. */
  readonly epoch: number;
  readonly controller: CongestionController;
  readonly pacer: Pacer;
  readonly rtt = new RttEstimator();
  readonly sampler = new RateSampler();
  readonly persistent = new PersistentCongestion();
  readonly period = new RecoveryPeriod();
  readonly ecn: EcnValidation;
  /** Reused for every loss. */
  readonly lostPacket: LostPacket = {
    packetNumber: 0,
    bytes: 0,
    sentTime: 0,
    txInFlight: 0,
    delivered: 0,
    lost: 0,
    totalDelivered: 0,
    isAppLimited: false,
  };
  bytesInFlight = 0;

  constructor(
    id: number,
    epoch: number,
    controller: CongestionController,
    maxDatagramBytes: number,
    ecn: EcnValidation,
    now: TimeUs,
  ) {
    this.id = id;
    this.epoch = epoch;
    this.controller = controller;
    this.ecn = ecn;
    this.pacer = new Pacer(controller, maxDatagramBytes, now);
  }
}
