import { TransportError } from '../../errors.ts';
import { MAX_CID_BYTES } from '../packet/version.ts';
import { Reader } from '../reader.ts';
import {
  DEFAULT_TRANSPORT_PARAMETERS,
  MAX_TRANSPORT_PARAMETERS_BYTES,
  type PreferredAddress,
  type Role,
  type TransportParameters,
  type VersionInformation,
} from './definition.ts';
import { PARAMETERS, type ParameterRow } from './table.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const ROWS: ReadonlyMap<number, ParameterRow> = new Map(PARAMETERS.map((row) => [row.id, row]));

/**
 * Parses and checks what the peer declared; parameters that we do not know are ignored. Byte strings are copies.
 *
 * @param sentBy the role of the endpoint that declares them
 * @throws QuicError remote, TRANSPORT_PARAMETER_ERROR (RFC 9000 §7.4, §18.2)
 */
export const parseTransportParameters = (bytes: Uint8Array, sentBy: Role): TransportParameters => {
  const reader = new Reader(TransportError.transportParameterError).reset(bytes, 0, bytes.length);
  if (bytes.length > MAX_TRANSPORT_PARAMETERS_BYTES) throw reader.error('transport parameters are too large');
  const out: Mutable<TransportParameters> = { ...DEFAULT_TRANSPORT_PARAMETERS };
  const seen = new Set<number>();
  while (reader.remaining > 0) {
    const id = reader.varint();
    const length = reader.varint();
    const start = reader.skip(length);
    // §7.4: duplicates SHOULD be an error. Larger identifiers are rounded, so that different ones may look the same.
    if (seen.has(id) && id <= Number.MAX_SAFE_INTEGER) throw reader.error(`transport parameter ${id} is repeated`);
    seen.add(id);
    const row = ROWS.get(id);
    if (row === undefined) continue;
    if (row.serverOnly && sentBy === 'client') throw reader.error(`a client must not send ${row.key}`);
    readValue(new Reader(TransportError.transportParameterError).reset(bytes, start, start + length), row, sentBy, out);
  }
  checkTogether(reader, out);
  return out;
};

/** @param value exactly over the parameter's value: all of it must be read */
const readValue = (value: Reader, row: ParameterRow, sentBy: Role, out: Mutable<TransportParameters>): void => {
  switch (row.kind) {
    case 'integer': {
      const integer = value.varint();
      if (integer < row.min || integer > row.max) throw value.error(`${row.key} is out of range`);
      out[row.key] = integer;
      break;
    }
    case 'bytes': {
      const length = value.remaining;
      if (length < row.min || length > row.max) throw value.error(`${row.key} is of invalid length`);
      out[row.key] = take(value, length);
      break;
    }
    case 'flag':
      out[row.key] = true;
      break;
    case 'preferred-address':
      out.preferredAddress = readPreferredAddress(value);
      break;
    case 'version-information':
      out.versionInformation = readVersionInformation(value, sentBy);
      break;
  }
  if (value.remaining > 0) throw value.error(`${row.key} is of invalid length`);
};

const take = (reader: Reader, bytes: number): Uint8Array => {
  const start = reader.skip(bytes);
  return reader.buffer.slice(start, start + bytes);
};

/** RFC 9000 §18.2: the connection ID must not be empty. */
const readPreferredAddress = (reader: Reader): PreferredAddress => {
  const ipv4 = take(reader, 4);
  const ipv4Port = reader.u16();
  const ipv6 = take(reader, 16);
  const ipv6Port = reader.u16();
  const length = reader.u8();
  if (length < 1 || length > MAX_CID_BYTES) throw reader.error('preferredAddress has no valid connection ID');
  return {
    ipv4,
    ipv4Port,
    ipv6,
    ipv6Port,
    connectionId: take(reader, length),
    statelessResetToken: take(reader, 16),
  };
};

/**
 * RFC 9368 §4: a version of zero is a parsing failure, and so is a client's Chosen Version that is not among its
 * Available Versions. A server may leave Available Versions empty.
 */
const readVersionInformation = (reader: Reader, sentBy: Role): VersionInformation => {
  const chosen = reader.u32();
  const available: number[] = [];
  while (reader.remaining > 0) available.push(reader.u32());
  if (chosen === 0 || available.includes(0)) throw reader.error('versionInformation has a version of zero');
  if (sentBy === 'client' && !available.includes(chosen)) {
    throw reader.error('versionInformation lacks the chosen version');
  }
  return { chosen, available };
};

/** What depends on more than one parameter. */
const checkTogether = (reader: Reader, p: TransportParameters): void => {
  // draft-ietf-quic-ack-frequency §3: min_ack_delay in microseconds, max_ack_delay in milliseconds.
  if (p.minAckDelayUs !== undefined && p.minAckDelayUs > p.maxAckDelayMs * 1000) {
    throw reader.error('minAckDelayUs exceeds maxAckDelayMs');
  }
  // §18.2: a server that chose an empty connection ID must not provide a preferred address.
  if (p.preferredAddress !== undefined && p.initialSourceConnectionId?.length === 0) {
    throw reader.error('preferredAddress without connection IDs');
  }
};
