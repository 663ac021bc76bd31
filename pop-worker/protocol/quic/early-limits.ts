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

/** What a server puts into its tickets, to know later what the client goes by: version and limits. */
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
  const context = new Uint8Array(VERSION_BYTES + encoded.length);
  writeU32(context, 0, version);
  context.set(encoded, VERSION_BYTES);
  return context;
};

/**
 * Whether early data by the limits in a ticket can be borne now; if not, the server refuses it (RFC 9000 §7.4.1). Tickets
 * are good for early data in the version that they were given in (RFC 9369 §5).
 */
export const bearsEarlyData = (config: QuicConfig, version: number, context: Uint8Array): boolean => {
  if (context.length < VERSION_BYTES || u32At(context, 0) !== version) return false;
  try {
    return !isLower(config, parseTransportParameters(context.subarray(VERSION_BYTES), 'server'));
  } catch (error) {
    if (error instanceof QuicError) return false;
    throw error;
  }
};
