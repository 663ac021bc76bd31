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
  const parts: Uint8Array[] = [];
  for (const row of PARAMETERS) {
    const value = encodedValue(parameters, row);
    if (value !== undefined) parts.push(tuple(row.id, value));
  }
  if (reserved !== undefined) parts.push(tuple(31 * reserved.n + 27, reserved.value));
  const bytes = join(parts);
  if (bytes.length > MAX_TRANSPORT_PARAMETERS_BYTES) {
    throw localError(TransportError.internalError, 'transport parameters are too large');
  }
  return bytes;
};

const encodedValue = (parameters: Partial<TransportParameters>, row: ParameterRow): Uint8Array | undefined => {
  const value = parameters[row.key];
  if (value === undefined || value === DEFAULT_TRANSPORT_PARAMETERS[row.key]) return undefined;
  switch (row.kind) {
    case 'integer':
      return varint(value as number);
    case 'bytes':
      return value as Uint8Array;
    case 'flag':
      return new Uint8Array(0);
    case 'preferred-address':
      return preferredAddress(value as PreferredAddress);
    case 'version-information':
      return versionInformation(value as VersionInformation);
  }
};

const tuple = (id: number, value: Uint8Array): Uint8Array => join([varint(id), varint(value.length), value]);

const varint = (v: number): Uint8Array => {
  const bytes = new Uint8Array(varintLength(v));
  writeVarint(bytes, 0, v);
  return bytes;
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

const versionInformation = ({ chosen, available }: VersionInformation): Uint8Array => {
  const bytes = new Uint8Array(4 + 4 * available.length);
  let at = writeU32(bytes, 0, chosen);
  for (const version of available) at = writeU32(bytes, at, version);
  return bytes;
};

const join = (parts: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
};
