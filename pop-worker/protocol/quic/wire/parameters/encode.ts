import { localError, TransportError } from '../../errors.ts';
import { varintLength, writeU32, writeVarint } from '../varint.ts';
import {
  DEFAULT_TRANSPORT_PARAMETERS,
  MAX_TRANSPORT_PARAMETERS_BYTES,
  type PreferredAddress,
  type ReservedParameter,
  type TransportParameters,
  type VersionInformation,
} from './definition.ts';
import { PARAMETERS, type ParameterRow } from './table.ts';

/** What is encoded at the moment: one for all connections of the thread. */
const scratch = new Uint8Array(MAX_TRANSPORT_PARAMETERS_BYTES);

/**
 * Encodes what differs from the default. That what we send is allowed is the caller's business, as is the role.
 *
 * @param reserved one parameter that means nothing, so that peers keep ignoring what they do not know (RFC 9000 §18.1)
 * @throws QuicError local when it would not be accepted by our own parser's size limit, or an integer is out of range
 */
export const encodeTransportParameters = (
  parameters: Partial<TransportParameters>,
  reserved?: ReservedParameter,
): Uint8Array => {
  let at = 0;
  for (const row of PARAMETERS) {
    const value = parameters[row.key];
    if (value !== undefined && value !== DEFAULT_TRANSPORT_PARAMETERS[row.key]) at = writeParameter(at, row, value);
  }
  if (reserved !== undefined) at = writeBytes(at, 31 * reserved.n + 27, reserved.value);
  return scratch.slice(0, at);
};

/** @returns the offset behind it */
const writeParameter = (at: number, { id, kind }: ParameterRow, value: unknown): number => {
  switch (kind) {
    case 'integer':
      return writeVarint(scratch, writePrefix(at, id, varintLength(value as number)), value as number);
    case 'bytes':
      return writeBytes(at, id, value as Uint8Array);
    case 'flag':
      return writePrefix(at, id, 0);
    case 'preferred-address':
      return writeBytes(at, id, preferredAddress(value as PreferredAddress));
    case 'version-information':
      return writeVersions(at, id, value as VersionInformation);
  }
};

/** Number and length, if there is room for the value as well. @throws QuicError local */
const writePrefix = (at: number, id: number, length: number): number => {
  if (at + varintLength(id) + varintLength(length) + length > MAX_TRANSPORT_PARAMETERS_BYTES) {
    throw localError(TransportError.internalError, 'transport parameters are too large');
  }
  return writeVarint(scratch, writeVarint(scratch, at, id), length);
};

const writeBytes = (at: number, id: number, value: Uint8Array): number => {
  const start = writePrefix(at, id, value.length);
  scratch.set(value, start);
  return start + value.length;
};

const writeVersions = (at: number, id: number, { chosen, available }: VersionInformation): number => {
  let next = writeU32(scratch, writePrefix(at, id, 4 + 4 * available.length), chosen);
  for (const version of available) next = writeU32(scratch, next, version);
  return next;
};

/** RFC 9000 §18.2, figure 22. */
const preferredAddress = (p: PreferredAddress): Uint8Array =>
  join([
    p.ipv4,
    u16(p.ipv4Port),
    p.ipv6,
    u16(p.ipv6Port),
    Uint8Array.of(p.connectionId.length),
    p.connectionId,
    p.statelessResetToken,
  ]);

const u16 = (v: number): Uint8Array => Uint8Array.of(v >>> 8, v);

const join = (parts: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
};
