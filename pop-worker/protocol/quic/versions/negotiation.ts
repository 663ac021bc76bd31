import { QuicError, remoteError, TransportError } from '../errors.ts';
import { isSupportedVersion, Version } from '../wire/packet/version.ts';
import type { VersionInformation } from '../wire/parameters/definition.ts';
import { parseTransportParameters } from '../wire/transport-parameters.ts';

/**
 * The version that a client begins with: 1 where it speaks that, since every server reads it and all that we speak are
 * compatible with it (RFC 9368 §2.5, RFC 9369 §4).
 */
export const originalVersion = (versions: readonly number[]): number =>
  versions.includes(Version.v1) ? Version.v1 : (versions[0] as number);

/** The version that a client tries when a server speaks these (RFC 9368 §2.1); undefined: it has none of them. */
export const versionAmong = (versions: readonly number[], offered: readonly number[]): number | undefined =>
  versions.find((version) => isSupportedVersion(version) && offered.includes(version));

/** What we declare (RFC 9368 §3). @param chosen the version of the connection as far as it is known */
export const versionInformation = (
  chosen: number,
  versions: readonly number[],
  isServer: boolean,
): VersionInformation => ({
  chosen,
  available: isServer || versions.includes(chosen) ? versions : [chosen, ...versions],
});

/**
 * The version in which a server goes on (RFC 9368 §2.3): the one that it prefers of those that the client's first flight
 * is compatible with. Versions 1 and 2 are, both ways (RFC 9369 §4).
 *
 * @param parameters the client's transport parameters, encoded; what is wrong with them is said when TLS vouches for them
 */
export const negotiate = (
  versions: readonly number[],
  original: number,
  parameters: Uint8Array | undefined,
): number => {
  if (parameters === undefined || versions.length < 2) return original;
  try {
    const offered = parseTransportParameters(parameters, 'client').versionInformation;
    if (offered === undefined || offered.chosen !== original) return original;
    return versionAmong(versions, offered.available) ?? original;
  } catch (error) {
    if (error instanceof QuicError) return original;
    throw error;
  }
};

/**
 * What the peer declared must fit what happened (RFC 9368 §4).
 *
 * @param original the version of the client's first packet @param negotiated the one in use
 * @throws QuicError remote VERSION_NEGOTIATION_ERROR
 */
export const checkVersions = (
  peer: VersionInformation | undefined,
  isServer: boolean,
  original: number,
  negotiated: number,
): void => {
  const expected = isServer ? original : negotiated;
  if (peer === undefined && original === negotiated) return;
  if (peer?.chosen === expected) return;
  throw remoteError(TransportError.versionNegotiationError, 'the chosen version is not the one in use');
};

/**
 * A client that acted on a Version Negotiation packet would have tried the same version had it known what the server really
 * speaks; else somebody on the way wrote the packet to have a lesser one used (RFC 9368 §4).
 *
 * @param attempted the version that the client chose then @param negotiated the one in use
 * @throws QuicError remote VERSION_NEGOTIATION_ERROR
 */
export const checkGenuine = (
  peer: VersionInformation | undefined,
  versions: readonly number[],
  attempted: number,
  negotiated: number,
): void => {
  if (peer !== undefined && peer.available.length > 0) {
    if (versionAmong(versions, [...peer.available, negotiated]) === attempted) return;
  }
  throw remoteError(TransportError.versionNegotiationError, "Version Negotiation was not the server's");
};
