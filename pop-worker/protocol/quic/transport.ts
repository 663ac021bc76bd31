import type { Random } from '../contract.ts';
import { minAckDelayUs, type QuicConfig } from './config.ts';
import { remoteError, TransportError } from './errors.ts';
import type { PeerLimits } from './streams/streams.ts';
import { versionInformation } from './versions/negotiation.ts';
import type { PreferredAddress, ReservedParameter } from './wire/parameters/definition.ts';
import { encodeTransportParameters, type TransportParameters } from './wire/transport-parameters.ts';

const MAX_RESERVED_BYTES = 16;

/** Connection IDs that the handshake authenticates (RFC 9000 §7.3). */
export interface HandshakeCids {
  /** Destination Connection ID of the client's first Initial. */
  readonly original: Uint8Array;
  /** Source Connection ID of the Retry, if there was one. */
  readonly retry: Uint8Array | undefined;
}

/** What only a server declares. */
export interface ServerParameters extends HandshakeCids {
  readonly resetToken: Uint8Array | undefined;
  readonly preferredAddress: PreferredAddress | undefined;
}

/** Our transport parameters, encoded (RFC 9000 §18.2). @param version the one in use @param scid Source Connection ID of our first packet */
export const ownParameters = (
  config: QuicConfig,
  random: Random,
  version: number,
  scid: Uint8Array,
  server: ServerParameters | undefined,
): Uint8Array => encodeTransportParameters(declared(config, version, scid, server), reservedParameter(random));

/** What `ownParameters` encodes. */
export const declared = (
  config: QuicConfig,
  version: number,
  scid: Uint8Array,
  server: ServerParameters | undefined,
): Partial<TransportParameters> => ({
  originalDestinationConnectionId: server?.original,
  maxIdleTimeoutMs: config.maxIdleTimeoutMs,
  statelessResetToken: server?.resetToken,
  initialMaxData: config.initialMaxData,
  initialMaxStreamDataBidiLocal: config.initialMaxStreamDataBidiLocal,
  initialMaxStreamDataBidiRemote: config.initialMaxStreamDataBidiRemote,
  initialMaxStreamDataUni: config.initialMaxStreamDataUni,
  initialMaxStreamsBidi: config.initialMaxStreamsBidi,
  initialMaxStreamsUni: config.initialMaxStreamsUni,
  ackDelayExponent: config.ackDelayExponent,
  maxAckDelayMs: config.maxAckDelayMs,
  minAckDelayUs: minAckDelayUs(config) || undefined,
  preferredAddress: server?.preferredAddress,
  disableActiveMigration: config.disableActiveMigration,
  activeConnectionIdLimit: config.activeConnectionIdLimit,
  initialSourceConnectionId: scid,
  retrySourceConnectionId: server?.retry,
  maxDatagramFrameSize: config.maxDatagramFrameSize,
  greaseQuicBit: config.greaseQuicBit,
  versionInformation: versionInformation(version, config.versions, server !== undefined),
});

/** RFC 9000 §18.1: one that means nothing, so that peers keep ignoring what they do not know. */
const reservedParameter = (random: Random): ReservedParameter => {
  const bytes = new Uint8Array(1 + MAX_RESERVED_BYTES);
  random.fill(bytes);
  return { n: bytes[0] as number, value: bytes.slice(1, 1 + ((bytes[1] as number) % MAX_RESERVED_BYTES)) };
};

const sameBytes = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean => {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
};

/**
 * The peer's connection IDs must be those of the packets that we saw (RFC 9000 §7.3).
 *
 * @param peerScid Source Connection ID of the peer's first packet
 * @param seen for clients: what a server must confirm
 */
export const authenticateCids = (
  peer: TransportParameters,
  peerScid: Uint8Array,
  seen: HandshakeCids | undefined,
): void => {
  const mismatch =
    !sameBytes(peer.initialSourceConnectionId, peerScid) ||
    (seen !== undefined && !sameBytes(peer.originalDestinationConnectionId, seen.original)) ||
    (seen !== undefined && !sameBytes(peer.retrySourceConnectionId, seen.retry));
  if (mismatch) throw remoteError(TransportError.transportParameterError, 'connection IDs do not match the handshake');
};

export const limitsOf = (peer: TransportParameters): PeerLimits => ({
  initialMaxData: peer.initialMaxData,
  initialMaxStreamDataBidiLocal: peer.initialMaxStreamDataBidiLocal,
  initialMaxStreamDataBidiRemote: peer.initialMaxStreamDataBidiRemote,
  initialMaxStreamDataUni: peer.initialMaxStreamDataUni,
  initialMaxStreamsBidi: peer.initialMaxStreamsBidi,
  initialMaxStreamsUni: peer.initialMaxStreamsUni,
});
