import type { Burst } from '../burst.ts';
import type { TimeUs } from '../contract.ts';
import type { Parts } from './parts.ts';
import type { Path } from './paths/path.ts';
import { Level, PACKET_WORDS, TAG_BYTES } from './ports.ts';
import { NOT_ECT } from './recovery/ecn.ts';
import { PacketFlag } from './recovery/packet-flag.ts';
import { Space } from './recovery/recovery.ts';
import { writeImmediateAck } from './wire/frames/immediate-ack.ts';
import { writePathChallenge } from './wire/frames/path-challenge.ts';
import { writePathResponse } from './wire/frames/path-response.ts';
import { writePing } from './wire/frames/ping.ts';
import { packetNumberBytes } from './wire/packet/number.ts';
import { shortHeaderLength, writeShortHeader } from './wire/packet/short.ts';

/** RFC 9000 §8.2.1, §8.2.2: so that the path is shown to carry datagrams of this size. */
const PATH_DATAGRAM_BYTES = 1200;
/** Two frames, and what is around them. */
const MIN_PATH_BYTES = 64;
/** Type and data. */
const PATH_FRAME_BYTES = 9;

/** The packet at hand: one for all connections of the thread, since each is sealed before the next is begun. */
const descriptor = new Int32Array(PACKET_WORDS);
const number = new Float64Array(1);

/** Single 1-RTT packets beside the flow of data: PATH_CHALLENGE and PATH_RESPONSE, and probes of the MTU. */
export class ProbeWriter {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @returns `true` when one was written, or waits for room in the burst */
  write(now: TimeUs, burst: Burst): boolean {
    const { paths, keys, handshake, recovery } = this.#parts;
    const path = paths.nextProbe(recovery.canSend(PATH_DATAGRAM_BYTES));
    if (path === undefined || !handshake.isComplete || keys.sealer(Level.oneRtt) === undefined) return false;
    const budget = path.budget;
    if (budget < MIN_PATH_BYTES) return false;
    if (!burst.hasRoom(PATH_DATAGRAM_BYTES)) return true;
    if (!this.#allows(path, now)) return this.write(now, burst);
    const bytes = Math.min(PATH_DATAGRAM_BYTES, budget);
    return this.#send(burst, path, bytes, PacketFlag.ackEliciting | PacketFlag.inFlight, now, (buffer, start, end) =>
      this.#writePathFrames(path, buffer, start, end, bytes < PATH_DATAGRAM_BYTES, now),
    );
  }

  /** Our own challenges are few. Responses to where no window counts are limited as well: what is beyond is not answered. */
  #allows(path: Path, now: TimeUs): boolean {
    const { paths, validationPtoUs, counters } = this.#parts;
    if (paths.isHere(path) || path.validation.pending || path.allowance.take(now, validationPtoUs())) return true;
    counters.droppedChallenges += path.responses.drop();
    return false;
  }

  /** As many as fit; the room is for two at least. */
  #writePathFrames(path: Path, buffer: Uint8Array, start: number, end: number, isShort: boolean, now: TimeUs): number {
    const { responses, validation } = path;
    const mayRespond = validation.pending ? end - PATH_FRAME_BYTES : end;
    let at = start;
    while (responses.pending && at + PATH_FRAME_BYTES <= mayRespond) {
      at = writePathResponse(buffer, at, responses.take());
    }
    if (validation.pending) {
      validation.isShort ||= isShort;
      at = writePathChallenge(buffer, at, validation.challenge(now, this.#parts.validationPtoUs(), this.#parts.random));
    }
    return at;
  }

  /** RFC 9000 §14.4 */
  writeMtuProbe(now: TimeUs, burst: Burst): boolean {
    const { recovery, paths, handshake } = this.#parts;
    const path = paths.active;
    if (!handshake.isConfirmed || !path.validated) return false;
    const bytes = recovery.mtu.nextProbe(now);
    if (bytes === 0 || !recovery.canSend(bytes)) return false;
    if (!burst.hasRoom(bytes)) return true;
    const flags = PacketFlag.ackEliciting | PacketFlag.inFlight | PacketFlag.mtuProbe;
    const write = this.#parts.ackRequests.mayDemand ? writeImmediateAck : writePing;
    return this.#send(burst, path, bytes, flags, now, write);
  }

  /** Writes one packet that fills a datagram of this size. */
  #send(
    burst: Burst,
    path: Path,
    bytes: number,
    flags: number,
    now: TimeUs,
    frames: (buffer: Uint8Array, start: number, end: number) => number,
  ): boolean {
    const { recovery, spaces, peerCids, keys, counters, idle, config, paths, firstByte, observer } = this.#parts;
    const log = recovery.sent(Space.application);
    const { buffer, used: at } = burst;
    const dcid = peerCids.cidOf(path.cidId);
    if (dcid === undefined || !log.hasRoom(4)) return false;
    const packetNumber = log.nextPacketNumber;
    const numberBytes = packetNumberBytes(packetNumber, spaces[Space.application].largestAcked);
    const headerBytes = shortHeaderLength(dcid.length, numberBytes);
    log.begin(packetNumber);
    writeShortHeader(buffer, at, dcid, false, keys.phase, packetNumber, numberBytes);
    firstByte.finishShort(buffer, at, path, dcid);
    const end = at + bytes - TAG_BYTES;
    buffer.fill(0, frames(buffer, at + headerBytes, end), end);
    number[0] = packetNumber;
    descriptor[0] = at;
    descriptor[1] = headerBytes;
    descriptor[2] = end - at - headerBytes;
    keys.beforeSeal(packetNumber, 1, config.keyUpdatePackets);
    const isMtuProbe = (flags & PacketFlag.mtuProbe) !== 0;
    observer?.packetSent(Level.oneRtt, packetNumber, buffer, at, at + headerBytes, end, path, isMtuProbe, now);
    keys.sealer(Level.oneRtt)?.seal(buffer, descriptor, number, 1);
    const ecn = paths.isHere(path) ? recovery.ecn.codepoint : NOT_ECT;
    const marked = ecn === NOT_ECT ? flags : flags | PacketFlag.ecn;
    recovery.onPacketSent(Space.application, now, bytes, marked, path.congestionId);
    idle.onAckElicitingSent(now);
    burst.commit(bytes, ecn, path.remote, 0, path.local, 0);
    observer?.datagramSent(bytes, ecn, now);
    path.bytesSent += bytes;
    counters.bytesSent += bytes;
    counters.packetsSent++;
    counters.datagramsSent++;
    return true;
  }
}
