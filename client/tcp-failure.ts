import { clockFault } from '#telemetry/clock-fault.ts';
import { ConnectFailure } from './failure.ts';
import type { DialTarget } from './link.ts';

/** Why Node refuses a certificate (`X509_V_ERR_…`, and its own), in words. */
const CERTIFICATE_FAULTS: Readonly<Record<string, string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is not valid for that name',
  ERR_PIN: 'it is not the pinned one',
  CERT_HAS_EXPIRED: 'it has expired, or this clock is wrong',
  CERT_NOT_YET_VALID: 'it is not valid yet, or this clock is wrong',
  CERT_REVOKED: 'it is revoked',
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is not trusted here',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its authority is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT: 'its authority is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its authority is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its authority is not trusted here',
};

/** What ended a TCP connection to an edge, for people. @param wasReady whether it had been of use */
export const tlsFailure = (
  { code = '', message }: { readonly code?: string; readonly message: string },
  { server: { host } }: DialTarget,
  label: string,
  wasReady: boolean,
): ConnectFailure => {
  const why = CERTIFICATE_FAULTS[code];
  if (why !== undefined && !wasReady) {
    const clock = clockFault(`${code} ${message}`);
    const mend = clock === undefined ? `${why}; give its authority with --ca or its key with --pin` : clock;
    return new ConnectFailure(`the certificate of ${label} for ${host} is refused: ${mend}`, 'fatal-at-first');
  }
  if (code === 'ECONNRESET')
    return new ConnectFailure(
      wasReady
        ? `${label} has lost the connection (it was restarted)`
        : `${label} takes no new connections at the moment`,
    );
  return new ConnectFailure(`the connection to ${label} failed (${code || message})`);
};
