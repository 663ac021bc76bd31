import type { TimeUs } from '../contract.ts';
import { datagramCapacity } from './datagram-capacity.ts';
import type { Parts } from './parts.ts';
import { FrameKind } from './recovery/frame-kind.ts';
import { Space } from './recovery/recovery.ts';
import type { SentPackets } from './recovery/sent-packets.ts';
import { datagramHeaderLength, writeDatagramHeader } from './wire/frames/datagram.ts';
import { writeImmediateAck } from './wire/frames/immediate-ack.ts';
import { writePing } from './wire/frames/ping.ts';

/** One packet in so many that only acknowledge asks for an ACK itself, so that ranges may be forgotten (RFC 9000 §13.2.4). */
const ACK_ONLY_RUN = 32;

/** Fills a packet's payload with frames, in place. What it wrote is left in its fields. */
export class Payload {
  readonly #parts: Parts;
  /** The packet written last has a frame that must be acknowledged. */
  ackEliciting = false;
  /** Packets take turns in whether streams or datagrams come first. */
  #streamsFirst = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** There is something to send in this space that must be acknowledged. */
  wants(space: Space): boolean {
    const { spaces, recovery, control, streams, datagrams } = this.#parts;
    const state = spaces[space];
    if (state.ping || state.crypto.pending || recovery.probesOwed(space) > 0) return true;
    return space === Space.application && (datagrams.count > 0 || streams.pending || control.pending);
  }

  /**
   * @param elicit frames other than ACK may be written: the window and the pacer allow it
   * @param acks an ACK frame may be written (not in 0-RTT)
   * @returns the offset behind the last frame, `at` when there was nothing to write
   */
  write(
    space: Space,
    log: SentPackets,
    buffer: Uint8Array,
    start: number,
    end: number,
    now: TimeUs,
    elicit: boolean,
    acks: boolean,
  ): number {
    const state = this.#parts.spaces[space];
    let at = start;
    this.ackEliciting = false;
    if (acks && state.ack.pending) {
      at = state.ack.writeFrame(buffer, at, end, now);
      if (at > start) log.frame(FrameKind.ack, state.ack.largest, space, 0);
    }
    if (!elicit) return this.#acknowledgeOnly(space, buffer, start, at, end);
    const before = at;
    if (space === Space.application && acks && at < end && this.#demandsAck()) {
      at = writeImmediateAck(buffer, at);
      state.ping = false;
    }
    for (let next = -1; acks && state.crypto.pending && next !== at; ) {
      next = at;
      at = state.crypto.writeFrame(buffer, at, end, log);
    }
    if (space === Space.application) at = this.#application(log, buffer, at, end);
    if (at === before && at < end && (state.ping || this.#parts.recovery.probesOwed(space) > 0)) {
      at = writePing(buffer, at);
      state.ping = false;
    }
    if (at === before) return this.#acknowledgeOnly(space, buffer, start, at, end);
    this.ackEliciting = true;
    state.ackOnlySent = 0;
    return at;
  }

  /** Probes ask for an ACK at once (draft-ietf-quic-ack-frequency §7), and what follows a migration (§8.4). */
  #demandsAck(): boolean {
    const { ackRequests, recovery } = this.#parts;
    return ackRequests.takeDemand() || (recovery.probesOwed(Space.application) > 0 && ackRequests.mayDemand);
  }

  #acknowledgeOnly(space: Space, buffer: Uint8Array, start: number, at: number, end: number): number {
    if (at === start || space !== Space.application || at >= end) return at;
    const state = this.#parts.spaces[space];
    if (++state.ackOnlySent < ACK_ONLY_RUN) return at;
    state.ackOnlySent = 0;
    this.ackEliciting = true;
    return writePing(buffer, at);
  }

  #application(log: SentPackets, buffer: Uint8Array, start: number, end: number): number {
    const { control, streams, datagrams } = this.#parts;
    let at = start;
    if (control.pending) at = control.writeFrames(buffer, at, end, log);
    if (datagrams.count === 0) return streams.pending ? streams.writeFrames(buffer, at, end, log) : at;
    this.#streamsFirst = !this.#streamsFirst;
    if (this.#streamsFirst && streams.pending) {
      at = streams.writeFrames(buffer, at, end, log);
      return at < end ? this.#datagrams(buffer, at, end) : at;
    }
    at = this.#datagrams(buffer, at, end);
    return streams.pending ? streams.writeFrames(buffer, at, end, log) : at;
  }

  /** Payloads are not repeated when they are lost (RFC 9221 §5.2), so nothing is noted of them. */
  #datagrams(buffer: Uint8Array, start: number, end: number): number {
    const { datagrams, counters } = this.#parts;
    let at = start;
    for (let length = datagrams.peekLength(); length >= 0; length = datagrams.peekLength()) {
      const header = datagramHeaderLength(length, true);
      if (at + header + length <= end) {
        at = datagrams.popInto(buffer, writeDatagramHeader(buffer, at, length, true));
        continue;
      }
      if (at > start || length <= datagramCapacity(this.#parts)) return at;
      // The path takes less than when it was queued.
      datagrams.drop();
      counters.datagramsDropped++;
    }
    return at;
  }
}
