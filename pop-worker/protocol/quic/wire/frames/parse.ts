import { remoteError, TransportError } from '../../errors.ts';
import type { PacketType } from '../packet/packet-type.ts';
import type { Reader } from '../reader.ts';
import { varintLength } from '../varint.ts';
import { parseAck } from './ack.ts';
import { parseDatagram } from './datagram.ts';
import { frameAllowed, frameContent, parserOf, TYPE_END } from './registry.ts';
import type { FrameSink } from './sink.ts';
import { parseStream } from './stream.ts';

/** Types from here on do not fit one byte (RFC 9000 §16). */
const LONG_TYPES = 0x40;

/**
 * Hands every frame of a packet's payload to the sink (RFC 9000 §12.4), in order; those before a faulty one have been
 * handed over when it throws.
 *
 * @param reader over the payload
 * @returns bits of `PacketContent`
 * @throws QuicError remote with the type of the frame at fault, or whatever the sink throws
 */
export const parseFrames = (reader: Reader, packetType: PacketType, sink: FrameSink): number => {
  if (reader.at >= reader.end) throw remoteError(TransportError.protocolViolation, 'packet without frames');
  const { buffer, end } = reader;
  let content = 0;
  while (reader.at < end) {
    let type = buffer[reader.at] as number;
    if (type >= LONG_TYPES) type = longType(reader);
    else reader.at++;
    reader.frameType = type;
    if (!frameAllowed(type, packetType)) throw notAllowed(type);
    content |= frameContent(type);
    // Direct calls for what most packets carry: a call through the table is not inlined.
    if ((type & 0xf8) === 0x08) parseStream(reader, type, sink);
    else if ((type & 0xfe) === 0x30) parseDatagram(reader, type, sink);
    else if ((type & 0xfe) === 0x02) parseAck(reader, type, sink);
    else parserOf(type)?.(reader, type, sink);
  }
  return content;
};

/** A type of more than one byte: known, unknown, or a known one badly encoded. @throws QuicError remote */
const longType = (reader: Reader): number => {
  const start = reader.at;
  reader.frameType = 0;
  const value = reader.varint();
  if (value >= LONG_TYPES && value < TYPE_END && parserOf(value) !== undefined && reader.at === start + 2) return value;
  // Rounded types cannot be written back in a CONNECTION_CLOSE frame.
  const type = value <= Number.MAX_SAFE_INTEGER ? value : 0;
  // §12.4: a type that is longer than necessary MAY be a PROTOCOL_VIOLATION.
  throw varintLength(value) < reader.at - start
    ? remoteError(TransportError.protocolViolation, 'frame type is not encoded in the shortest way', type)
    : remoteError(TransportError.frameEncodingError, 'unknown frame type', type);
};

const notAllowed = (type: number) =>
  parserOf(type) === undefined
    ? remoteError(TransportError.frameEncodingError, 'unknown frame type', type)
    : remoteError(TransportError.protocolViolation, 'frame is not allowed in this packet', type);
