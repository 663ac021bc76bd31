import type { QuicConfig } from './config.ts';
import { QuicError, remoteError, TransportError } from './errors.ts';
import { u32At } from './wire/reader.ts';
import {
  DEFAULT_TRANSPORT_PARAMETERS,
  encodeTransportParameters,
  parseTransportParameters,
  type TransportParameters,
} from './wire/transport-parameters.ts';
import { writeU32 } from './wire/varint.ts';

/** What early data may use up before the handshake tells anew (RFC 9000 §7.4.1, RFC 9221 §3). */
const LIMITS = [
  'activeConnectionIdLimit',
  'initialMaxData',
  'initialMaxStreamDataBidiLocal',
  'initialMaxStreamDataBidiRemote',
  'initialMaxStreamDataUni',
  'initialMaxStreamsBidi',
  'initialMaxStreamsUni',
  'maxDatagramFrameSize',
] as const;
type Limits = Pick<TransportParameters, (typeof LIMITS)[number]>;

/** What a context begins with. */
export const VERSION_BYTES = 4;

const isLower = (now: Limits, before: Limits): boolean => LIMITS.some((name) => now[name] < before[name]);

/** What a client keeps of a server's parameters: the others are of that one connection (RFC 9000 §7.4.1). */
export const rememberedOf = (earlier: TransportParameters): TransportParameters => ({
  ...earlier,
  ackDelayExponent: DEFAULT_TRANSPORT_PARAMETERS.ackDelayExponent,
  maxAckDelayMs: DEFAULT_TRANSPORT_PARAMETERS.maxAckDelayMs,
  minAckDelayUs: undefined,
  initialSourceConnectionId: undefined,
  originalDestinationConnectionId: undefined,
  preferredAddress: undefined,
  retrySourceConnectionId: undefined,
  statelessResetToken: undefined,
  versionInformation: undefined,
});

/** @throws QuicError remote PROTOCOL_VIOLATION: a server that takes early data must not go below what was remembered */
export const checkNotLower = (now: Limits, remembered: Limits): void => {
  if (!isLower(now, remembered)) return;
  throw remoteError(TransportError.protocolViolation, 'limits are lower than those remembered for 0-RTT');
};

/** Of what stands behind the version. No encoded limits begin with it, as contexts of earlier releases did. */
const FORMAT = 0xc1;
/** Version, format, length of the limits. */
const HEAD_BYTES = VERSION_BYTES + 3;
const NO_DATA = new Uint8Array();
/** What an application may put into a ticket. */
export const MOST_TICKET_DATA_BYTES = 1024;

/**
 * What a server puts into its tickets, to know later what the client goes by: version (4 bytes), format (1), length of the
 * limits (2), limits, and what the application has to say.
 */
export const ticketContext = (config: QuicConfig, version: number, data: Uint8Array): Uint8Array => {
  if (data.length > MOST_TICKET_DATA_BYTES)
    throw new RangeError(`${data.length} bytes of data in a ticket, ${MOST_TICKET_DATA_BYTES} at most`);
  const early = earlyContext(config, version);
  const context = new Uint8Array(early.length + data.length);
  context.set(early);
  context.set(data, early.length);
  return context;
};

/** Where the application's data begins; -1: of another format, or cut off. */
const dataAt = (context: Uint8Array): number => {
  if (context.length < HEAD_BYTES || context[VERSION_BYTES] !== FORMAT) return -1;
  const end = HEAD_BYTES + (((context[VERSION_BYTES + 1] as number) << 8) | (context[VERSION_BYTES + 2] as number));
  return end <= context.length ? end : -1;
};

/** What the application had to say in a ticket: nothing in one of another format. */
export const ticketDataOf = (context: Uint8Array): Uint8Array => {
  const at = dataAt(context);
  return at < 0 ? NO_DATA : context.subarray(at);
};

/** The context of tickets in which the application says nothing. */
export const earlyContext = (config: QuicConfig, version: number): Uint8Array => {
  const known = contexts.get(config);
  if (known !== undefined && u32At(known, 0) === version) return known;
  const context = makeContext(config, version);
  contexts.set(config, context);
  return context;
};

/** The latest one of each configuration: the same in all its connections of a version. */
const contexts = new WeakMap<QuicConfig, Uint8Array>();

const makeContext = (config: QuicConfig, version: number): Uint8Array => {
  const limits = Object.fromEntries(LIMITS.map((name) => [name, config[name]])) as unknown as Limits;
  const encoded = encodeTransportParameters({ ...DEFAULT_TRANSPORT_PARAMETERS, ...limits });
  const context = new Uint8Array(HEAD_BYTES + encoded.length);
  writeU32(context, 0, version);
  context[VERSION_BYTES] = FORMAT;
  context[VERSION_BYTES + 1] = encoded.length >>> 8;
  context[VERSION_BYTES + 2] = encoded.length;
  context.set(encoded, HEAD_BYTES);
  return context;
};

/**
 * Whether early data by the limits in a ticket can be borne now; if not, the server refuses it (RFC 9000 §7.4.1). Tickets
 * are good for early data in the version that they were given in (RFC 9369 §5).
 */
export const bearsEarlyData = (config: QuicConfig, version: number, context: Uint8Array): boolean => {
  const end = dataAt(context);
  if (end < 0 || u32At(context, 0) !== version) return false;
  try {
    return !isLower(config, parseTransportParameters(context.subarray(HEAD_BYTES, end), 'server'));
  } catch (error) {
    if (error instanceof QuicError) return false;
    throw error;
  }
};
