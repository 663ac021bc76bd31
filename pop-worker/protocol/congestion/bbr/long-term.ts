import type { LostPacket } from '../rate-sampler.ts';
import { HEADROOM, LOSS_THRESHOLD, MIN_PIPE_DATAGRAMS, PROBE_UP_ROUNDS } from './constants.ts';

const { max, min, floor } = Math;

/** §5.5.10.2, IsInflightTooHigh(): more was lost than a probe may cost. Bytes. */
export const isTooHigh = (lost: number, txInFlight: number): boolean => lost > txInFlight * LOSS_THRESHOLD;

/**
 * §5.5.10.2, InflightAtLoss(): how much was in flight when losses crossed the threshold, which may have happened in the
 * middle of this packet, where a packet stands for a burst. Never less than what was in flight before it.
 */
export const inflightAtLoss = ({ bytes, txInFlight, lost }: LostPacket): number => {
  const before = txInFlight - bytes;
  const prefix = (LOSS_THRESHOLD * before - (lost - bytes)) / (1 - LOSS_THRESHOLD);
  return before + max(prefix, 0);
};

/** BBR.inflight_longterm: what may be in flight without excess loss, as probes found (draft-ietf-ccwg-bbr-06 §5.3.3.9). */
export class LongTerm {
  /** Bytes; `Infinity`: no probe has met excess loss. */
  inflight = Number.POSITIVE_INFINITY;
  #ackedPerIncrease = Number.POSITIVE_INFINITY;
  #acked = 0;
  #rounds = 0;

  /** InflightWithHeadroom(), in bytes. */
  withHeadroom(datagramBytes: number): number {
    if (this.inflight === Number.POSITIVE_INFINITY) return this.inflight;
    const headroom = max(datagramBytes, HEADROOM * this.inflight);
    return max(this.inflight - headroom, MIN_PIPE_DATAGRAMS * datagramBytes);
  }

  /** A probe will follow. */
  resetSlope(): void {
    this.#rounds = 0;
    this.#acked = 0;
  }

  /** A probe is over: the bound grows no more. */
  stopRaising(): void {
    this.#ackedPerIncrease = Number.POSITIVE_INFINITY;
  }

  /** RaiseInflightLongtermSlope(): by 1, 2, 4, … datagrams a round. */
  raiseSlope(cwnd: number, datagramBytes: number): void {
    this.#ackedPerIncrease = max(cwnd / 2 ** this.#rounds, datagramBytes);
    this.#rounds = min(this.#rounds + 1, PROBE_UP_ROUNDS);
  }

  /** ProbeInflightLongtermUpward(), while the bound is what limits the flow. */
  raise(newlyAcked: number, datagramBytes: number): void {
    this.#acked += newlyAcked;
    if (this.#acked < this.#ackedPerIncrease) return;
    const steps = floor(this.#acked / this.#ackedPerIncrease);
    this.#acked -= steps * this.#ackedPerIncrease;
    this.inflight += steps * datagramBytes;
  }
}
