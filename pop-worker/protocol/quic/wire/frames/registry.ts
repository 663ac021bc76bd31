import { PacketType } from '../packet/packet-type.ts';
import type { Reader } from '../reader.ts';
import { parseAck } from './ack.ts';
import { parseAckFrequency } from './ack-frequency.ts';
import { parseConnectionClose } from './connection-close.ts';
import { parseCrypto } from './crypto.ts';
import { parseDataBlocked } from './data-blocked.ts';
import { parseDatagram } from './datagram.ts';
import { parseHandshakeDone } from './handshake-done.ts';
import { parseImmediateAck } from './immediate-ack.ts';
import { parseMaxData } from './max-data.ts';
import { parseMaxStreamData } from './max-stream-data.ts';
import { parseMaxStreams } from './max-streams.ts';
import { parseNewConnectionId } from './new-connection-id.ts';
import { parseNewToken } from './new-token.ts';
import { parsePadding } from './padding.ts';
import { parsePathChallenge } from './path-challenge.ts';
import { parsePathResponse } from './path-response.ts';
import { parsePing } from './ping.ts';
import { parseResetStream } from './reset-stream.ts';
import { parseRetireConnectionId } from './retire-connection-id.ts';
import type { FrameSink } from './sink.ts';
import { parseStopSending } from './stop-sending.ts';
import { parseStream } from './stream.ts';
import { parseStreamDataBlocked } from './stream-data-blocked.ts';
import { parseStreamsBlocked } from './streams-blocked.ts';

/** What the frames of a packet amount to: bits that `parseFrames` returns. */
export const PacketContent = {
  /** Some frame must be acknowledged (RFC 9000 §13.2). */
  ackEliciting: 1,
  /** Some frame is not a probing frame (RFC 9000 §9.1): the packet may migrate the connection. */
  nonProbing: 2,
  /** Some frame counts toward bytes in flight (RFC 9002 §2). */
  inFlight: 4,
} as const;

export type FrameParser = (reader: Reader, type: number, sink: FrameSink) => void;

export interface FrameRow {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  /** Bit n: allowed in packets of `PacketType` n. */
  readonly packets: number;
  /** Bits of `PacketContent`. */
  readonly content: number;
  readonly parse: FrameParser;
}

const PACKET_LETTERS = {
  I: 1 << PacketType.initial,
  H: 1 << PacketType.handshake,
  0: 1 << PacketType.zeroRtt,
  1: 1 << PacketType.oneRtt,
} as const;

/** Letters of RFC 9000 §12.4 table 3: N not ack-eliciting, C not in flight, P probing; F matters to streams only. */
const contentOf = (spec: string): number =>
  (spec.includes('N') ? 0 : PacketContent.ackEliciting) |
  (spec.includes('P') ? 0 : PacketContent.nonProbing) |
  (spec.includes('C') ? 0 : PacketContent.inFlight);

const row = (
  name: string,
  first: number,
  last: number,
  packets: string,
  spec: string,
  parse: FrameParser,
): FrameRow => {
  let allowed = 0;
  for (const letter of packets) if (letter !== '_') allowed |= PACKET_LETTERS[letter as keyof typeof PACKET_LETTERS];
  return { name, first, last, packets: allowed, content: contentOf(spec), parse };
};

/** Every frame that we know: RFC 9000 §12.4 table 3, RFC 9221 §4 (and §5 for what DATAGRAM counts as), ACK frequency. */
export const FRAMES: readonly FrameRow[] = [
  row('PADDING', 0x00, 0x00, 'IH01', 'NP', parsePadding),
  row('PING', 0x01, 0x01, 'IH01', '', parsePing),
  row('ACK', 0x02, 0x03, 'IH_1', 'NC', parseAck),
  row('RESET_STREAM', 0x04, 0x04, '__01', '', parseResetStream),
  row('STOP_SENDING', 0x05, 0x05, '__01', '', parseStopSending),
  row('CRYPTO', 0x06, 0x06, 'IH_1', '', parseCrypto),
  row('NEW_TOKEN', 0x07, 0x07, '___1', '', parseNewToken),
  row('STREAM', 0x08, 0x0f, '__01', 'F', parseStream),
  row('MAX_DATA', 0x10, 0x10, '__01', '', parseMaxData),
  row('MAX_STREAM_DATA', 0x11, 0x11, '__01', '', parseMaxStreamData),
  row('MAX_STREAMS', 0x12, 0x13, '__01', '', parseMaxStreams),
  row('DATA_BLOCKED', 0x14, 0x14, '__01', '', parseDataBlocked),
  row('STREAM_DATA_BLOCKED', 0x15, 0x15, '__01', '', parseStreamDataBlocked),
  row('STREAMS_BLOCKED', 0x16, 0x17, '__01', '', parseStreamsBlocked),
  row('NEW_CONNECTION_ID', 0x18, 0x18, '__01', 'P', parseNewConnectionId),
  // §12.4 allows RETIRE_CONNECTION_ID in 0-RTT, §12.5 says that it cannot be sent there: taken as forbidden.
  row('RETIRE_CONNECTION_ID', 0x19, 0x19, '___1', '', parseRetireConnectionId),
  row('PATH_CHALLENGE', 0x1a, 0x1a, '__01', 'P', parsePathChallenge),
  row('PATH_RESPONSE', 0x1b, 0x1b, '___1', 'P', parsePathResponse),
  row('CONNECTION_CLOSE', 0x1c, 0x1c, 'IH01', 'N', parseConnectionClose),
  row('CONNECTION_CLOSE', 0x1d, 0x1d, '__01', 'N', parseConnectionClose),
  row('HANDSHAKE_DONE', 0x1e, 0x1e, '___1', '', parseHandshakeDone),
  row('IMMEDIATE_ACK', 0x1f, 0x1f, '___1', '', parseImmediateAck),
  row('DATAGRAM', 0x30, 0x31, '__01', '', parseDatagram),
  row('ACK_FREQUENCY', 0xaf, 0xaf, '___1', '', parseAckFrequency),
];

/** First type that the tables below do not reach. */
export const TYPE_END = 0xb0;

const PACKETS = new Uint8Array(TYPE_END);
const CONTENT = new Uint8Array(TYPE_END);
const PARSERS: (FrameParser | undefined)[] = new Array(TYPE_END).fill(undefined);
for (const { first, last, packets, content, parse } of FRAMES) {
  for (let type = first; type <= last; type++) {
    PACKETS[type] = packets;
    CONTENT[type] = content;
    PARSERS[type] = parse;
  }
}

/** Whether a frame of this type may be in a packet of this type. */
export const frameAllowed = (type: number, packetType: PacketType): boolean =>
  ((PACKETS[type] ?? 0) & (1 << packetType)) !== 0;

/** @returns `PacketContent` bits of one frame, 0 when it is unknown */
export const frameContent = (type: number): number => CONTENT[type] ?? 0;

export const parserOf = (type: number): FrameParser | undefined => PARSERS[type];
