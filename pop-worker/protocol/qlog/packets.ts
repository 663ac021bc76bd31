import { ProtocolError } from '#protocol/contract.ts';
import type { DropReason } from '#protocol/quic/observer.ts';
import type { Parts } from '#protocol/quic/parts.ts';
import type { Path } from '#protocol/quic/paths/path.ts';
import { Level, TAG_BYTES } from '#protocol/quic/ports.ts';
import type { Space } from '#protocol/quic/recovery/recovery.ts';
import { parseFrames } from '#protocol/quic/wire/frames/parse.ts';
import { PacketHeader, parseHeader } from '#protocol/quic/wire/packet/header.ts';
import type { PacketType } from '#protocol/quic/wire/packet/packet-type.ts';
import { Reader } from '#protocol/quic/wire/reader.ts';
import { type Emit, type Fields, hex } from './event.ts';
import { FrameFields } from './frames.ts';
import { ECN_NAMES, PACKET_TYPE_OF_SPACE, PACKET_TYPES, version } from './names.ts';

const SPIN_BIT = 0x20;
const KEY_PHASE_BIT = 0x04;

const DROP_TRIGGERS: Readonly<Record<DropReason, string>> = {
  droppedDuplicate: 'duplicate',
  droppedForged: 'decryption_failure',
  droppedMalformed: 'invalid',
  droppedNoKeys: 'key_unavailable',
  droppedEarly: 'key_unavailable',
  droppedVersion: 'unsupported',
  droppedConnectionId: 'connection_unknown',
  droppedAddress: 'rejected',
  droppedClosed: 'general',
};

/** Whether packets leave or arrive. */
export type Direction = 'sent' | 'received';

/** What the header of a packet shows beside the packet's own event. */
export interface HeaderView {
  /** Connection ID that the packet is sent to. */
  readonly dcid: string;
  /** 1-RTT only. */
  readonly spin: boolean | undefined;
}

/** The events of packets and datagrams (quic-events §5.5 to §5.12, §7.4). */
export class PacketEvents {
  readonly #parts: Parts;
  readonly #emit: Emit;
  readonly #reader = new Reader();
  readonly #fields = new FrameFields();
  readonly #header = new PacketHeader();
  readonly #ecn: Record<Direction, number> = { sent: -1, received: -1 };

  constructor(parts: Parts, emit: Emit) {
    this.#parts = parts;
    this.#emit = emit;
  }

  packet(
    direction: Direction,
    level: Level,
    packetNumber: number,
    buffer: Uint8Array,
    headerAt: number,
    start: number,
    end: number,
    path: Path,
    isMtuProbe: boolean,
  ): HeaderView {
    const view = this.#view(level, buffer, headerAt, start, end);
    const data = {
      header: this.#headerOf(level, packetNumber, buffer, headerAt, view),
      frames: this.#framesOf(direction, level, buffer, start, end),
      raw: { length: end + TAG_BYTES - headerAt, payload_length: end - start },
      ...(isMtuProbe && { is_mtu_probe_packet: true }),
    };
    this.#emit(`quic:packet_${direction}`, data, tupleOf(path));
    return view;
  }

  /** Reads the header again; the tag, which the Length field counts, is behind `end`. */
  #view(level: Level, buffer: Uint8Array, headerAt: number, start: number, end: number): HeaderView {
    const first = buffer[headerAt] as number;
    if (level !== Level.oneRtt) {
      const header = this.#header;
      parseHeader(buffer, headerAt, end + TAG_BYTES, 0, header, true);
      return { dcid: hex(buffer, header.dcidStart, header.dcidStart + header.dcidLength), spin: undefined };
    }
    const dcidEnd = start - 1 - (first & 3);
    return { dcid: hex(buffer, headerAt + 1, dcidEnd), spin: (first & SPIN_BIT) !== 0 };
  }

  #headerOf(level: Level, packetNumber: number, buffer: Uint8Array, headerAt: number, view: HeaderView): Fields {
    const first = buffer[headerAt] as number;
    const common = {
      packet_type: PACKET_TYPES[level],
      packet_number_length: 1 + (first & 3),
      packet_number: packetNumber,
    };
    if (level === Level.oneRtt) {
      return { ...common, spin_bit: view.spin, key_phase_bit: (first & KEY_PHASE_BIT) !== 0, dcid: view.dcid };
    }
    const { version: number, scidStart, scidLength, dcidLength, tokenLength } = this.#header;
    return {
      ...common,
      // What a token seals is the server's own; its length is all that others may know.
      ...(tokenLength > 0 && { token: { raw: { length: tokenLength } } }),
      version: version(number),
      scil: scidLength,
      dcil: dcidLength,
      scid: hex(buffer, scidStart, scidStart + scidLength),
      dcid: view.dcid,
    };
  }

  #framesOf(direction: Direction, level: Level, buffer: Uint8Array, start: number, end: number): readonly Fields[] {
    const { config, handshake } = this.#parts;
    const exponent = direction === 'sent' ? config.ackDelayExponent : handshake.peer.ackDelayExponent;
    const fields = this.#fields;
    fields.begin(level === Level.oneRtt ? exponent : undefined);
    try {
      // Packet types 0 to 3 have the numbers of levels.
      parseFrames(this.#reader.reset(buffer, start, end), level, fields);
    } catch (error) {
      // The connection meets the same fault, and says so; what stands before it is shown.
      if (!(error instanceof ProtocolError)) throw error;
    }
    return fields.frames;
  }

  reply(type: PacketType, bytes: number, versions: readonly number[]): void {
    this.#emit('quic:packet_received', {
      header: { packet_type: PACKET_TYPES[type] },
      ...(versions.length > 0 && { supported_versions: versions.map(version) }),
      raw: { length: bytes },
    });
  }

  dropped(reason: DropReason, level: Level | undefined, bytes: number): void {
    this.#emit('quic:packet_dropped', {
      ...(level !== undefined && { header: { packet_type: PACKET_TYPES[level] } }),
      raw: { length: bytes },
      details: { reason },
      trigger: DROP_TRIGGERS[reason],
    });
  }

  buffered(level: Level, bytes: number): void {
    this.#emit('quic:packet_buffered', {
      header: { packet_type: PACKET_TYPES[level] },
      raw: { length: bytes },
      trigger: 'keys_unavailable',
    });
  }

  lost(space: Space, packetNumber: number, isMtuProbe: boolean, byReordering: boolean): void {
    this.#emit('quic:packet_lost', {
      header: { packet_type: PACKET_TYPE_OF_SPACE[space], packet_number: packetNumber },
      ...(isMtuProbe && { is_mtu_probe_packet: true }),
      trigger: byReordering ? 'reordering_threshold' : 'time_threshold',
    });
  }

  /** The codepoint is said when it is another one than that of the last event. */
  datagrams(direction: Direction, bytes: number, segment: number, ecn: number): void {
    const raw: Fields[] = [];
    for (let at = 0; at < bytes; at += segment) raw.push({ length: Math.min(segment, bytes - at) });
    const changed = this.#ecn[direction] !== ecn;
    this.#ecn[direction] = ecn;
    this.#emit(`quic:udp_datagrams_${direction}`, {
      count: raw.length,
      raw,
      ...(changed && { ecn: raw.map(() => ECN_NAMES[ecn & 3]) }),
    });
  }
}

/** The first path has none. */
export const tupleOf = (path: Path): string | undefined => (path.id === 0 ? undefined : String(path.id));
