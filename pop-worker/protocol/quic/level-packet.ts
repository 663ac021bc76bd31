import type { TimeUs } from '../contract.ts';
import { SPACE_OF_LEVEL } from './handshake.ts';
import type { Parts } from './parts.ts';
import type { Payload } from './payload.ts';
import { Level, PACKET_WORDS, TAG_BYTES } from './ports.ts';
import { Space } from './recovery/recovery.ts';
import { longHeaderLength, patchLength, writeLongHeader } from './wire/packet/long.ts';
import { packetNumberBytes } from './wire/packet/number.ts';
import { shortHeaderLength, writeShortHeader } from './wire/packet/short.ts';

const RECORDS = 64;
const NO_TOKEN = new Uint8Array();

/** What is sealed at the moment: one for all connections of the thread. */
const descriptor = new Int32Array(PACKET_WORDS);
const number = new Float64Array(1);

/** One packet of any level while a datagram is put together: begun, maybe padded, sealed. Reused. */
export class LevelPacket {
  readonly #parts: Parts;
  #packetNumber = 0;
  #payloadAt = 0;
  #numberBytes = 1;
  level: Level = Level.initial;
  space: Space = Space.initial;
  start = 0;
  /** Behind the tag. */
  end = 0;
  ackEliciting = false;
  padded = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Writes header and frames. @returns `false` when there is nothing to send or no room; nothing is left behind */
  begin(
    payload: Payload,
    level: Level,
    buffer: Uint8Array,
    at: number,
    end: number,
    now: TimeUs,
    elicit: boolean,
  ): boolean {
    this.open(level, at);
    const log = this.#parts.recovery.sent(this.space);
    const first = this.writeHeader(buffer, at, end);
    if (first < 0 || !log.hasRoom(RECORDS)) return false;
    log.begin(this.#packetNumber);
    const acks = level !== Level.earlyData;
    const behind = payload.write(this.space, log, buffer, first, end - TAG_BYTES, now, elicit, acks);
    if (behind === first) {
      log.abandon();
      return false;
    }
    this.ackEliciting = payload.ackEliciting;
    this.finish(buffer, behind);
    return true;
  }

  open(level: Level, at: number): void {
    this.level = level;
    this.space = SPACE_OF_LEVEL[level];
    this.start = at;
    this.ackEliciting = false;
    this.padded = false;
  }

  /** @returns where the payload begins, -1 when there is no room for one */
  writeHeader(buffer: Uint8Array, at: number, end: number): number {
    const { recovery, spaces, peerCids, paths, version, originalVersion, handshake, keys, firstByte } = this.#parts;
    const level = this.level;
    const dcid = peerCids.cidOf(paths.active.cidId);
    if (dcid === undefined) return -1;
    const packetNumber = recovery.sent(this.space).nextPacketNumber;
    const numberBytes = packetNumberBytes(packetNumber, spaces[this.space].largestAcked);
    this.#packetNumber = packetNumber;
    this.#numberBytes = numberBytes;
    const token = level === Level.initial ? handshake.token : NO_TOKEN;
    const scid = handshake.scid;
    const length =
      level === Level.oneRtt
        ? shortHeaderLength(dcid.length, numberBytes)
        : longHeaderLength(level, dcid.length, scid.length, token.length, numberBytes);
    if (at + length + 4 + TAG_BYTES > end) return -1;
    this.#payloadAt =
      level === Level.oneRtt
        ? writeShortHeader(buffer, at, dcid, false, keys.phase, packetNumber, numberBytes)
        : writeLongHeader(
            buffer,
            at,
            level,
            level === Level.earlyData ? originalVersion : version,
            dcid,
            scid,
            token,
            packetNumber,
            numberBytes,
          );
    if (level === Level.oneRtt) firstByte.finishShort(buffer, at, paths.active, dcid);
    else firstByte.finishLong(buffer, at);
    return this.#payloadAt;
  }

  /** The frames end here: RFC 9001 §5.4.2 wants at least four bytes of packet number and payload. */
  finish(buffer: Uint8Array, behind: number): void {
    this.end = behind + TAG_BYTES;
    this.padTo(buffer, this.#payloadAt - this.#numberBytes + 4 + TAG_BYTES);
    this.padded = false;
  }

  /** Adds PADDING until the packet ends there. */
  padTo(buffer: Uint8Array, end: number): void {
    if (this.end >= end) return;
    buffer.fill(0, this.end - TAG_BYTES, end - TAG_BYTES);
    this.end = end;
    this.padded = true;
  }

  seal(buffer: Uint8Array, now: TimeUs): void {
    const { keys, config, observer, paths } = this.#parts;
    const packetNumber = this.#packetNumber;
    const end = this.end - TAG_BYTES;
    if (this.level !== Level.oneRtt) {
      patchLength(buffer, this.#payloadAt, this.#numberBytes, this.end);
      keys.beforeSealLong(packetNumber);
    } else keys.beforeSeal(packetNumber, 1, config.keyUpdatePackets);
    observer?.packetSent(this.level, packetNumber, buffer, this.start, this.#payloadAt, end, paths.active, false, now);
    number[0] = packetNumber;
    descriptor[0] = this.start;
    descriptor[1] = this.#payloadAt - this.start;
    descriptor[2] = end - this.#payloadAt;
    keys.sealer(this.level)?.seal(buffer, descriptor, number, 1);
  }
}
