import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import { QpackErrorCode } from '#protocol/qpack/errors.ts';
import type { CloseInfo } from '#protocol/quic/api.ts';
import { TransportError } from '#protocol/quic/errors.ts';
import { clockFault } from '#telemetry/clock-fault.ts';
import { ConnectFailure } from './failure.ts';
import type { DialTarget } from './link.ts';

/** TLS alerts (RFC 8446 §6.2) with which a client refuses a certificate, and why. */
const CERTIFICATE_ALERTS: Readonly<Record<number, string>> = {
  42: 'it is not valid for that name, or not the pinned one',
  43: 'its kind is not supported',
  44: 'it is revoked',
  45: 'it has expired, or this clock is wrong',
  46: 'it is not acceptable',
  48: 'its authority is not trusted here',
};
const NO_APPLICATION_PROTOCOL = 120;

/** Names of errors, as words: `flowControlError` is a flow control error. RFC 9000 §20.1, RFC 9114 §8.1, RFC 9204 §6 */
const wordsOf = (errors: Readonly<Record<string, number>>): ReadonlyMap<number, string> =>
  new Map(Object.entries(errors).map(([name, code]) => [code, name.replaceAll(/[A-Z]/g, ' $&').toLowerCase()]));
const APPLICATION_WORDS = wordsOf({ ...Http3ErrorCode, ...QpackErrorCode });
const TRANSPORT_WORDS = wordsOf(TransportError);

const inWords = ({ application, code }: CloseInfo): string =>
  (application ? APPLICATION_WORDS : TRANSPORT_WORDS).get(code) ?? `an error that is not known here, ${code}`;

const tlsFailure = (alert: number, info: CloseInfo, target: DialTarget, label: string): ConnectFailure => {
  const { host, authority } = target.server;
  const why = CERTIFICATE_ALERTS[alert];
  const clock = info.by === 'local' ? clockFault(info.reason) : undefined;
  if (clock !== undefined)
    return new ConnectFailure(`the certificate of ${label} for ${host} is refused: ${clock}`, 'fatal-at-first');
  if (info.by === 'local' && why !== undefined) {
    const detail = info.reason === '' ? '' : ` (${info.reason})`;
    const mend = 'give its authority with --ca or its key with --pin';
    return new ConnectFailure(
      `the certificate of ${label} for ${host} is refused: ${why}${detail}; ${mend}`,
      'fatal-at-first',
    );
  }
  if (alert === NO_APPLICATION_PROTOCOL)
    return new ConnectFailure(`${authority} speaks no HTTP/3: is it a CloudBridge edge`, 'fatal-at-first');
  return new ConnectFailure(`the TLS handshake with ${label} failed: alert ${alert} ${info.reason}`.trim());
};

/** Why a connection is over, for people. @param label address and port @param wasReady whether it had been of use */
export const closeFailure = (info: CloseInfo, target: DialTarget, label: string, wasReady: boolean): ConnectFailure => {
  const said = info.reason === '' ? '' : `: ${info.reason}`;
  switch (info.by) {
    case 'idle':
      return new ConnectFailure(
        wasReady ? `${label} does not answer any more` : `${label} does not answer (QUIC, UDP)`,
      );
    case 'reset':
      return new ConnectFailure(`${label} has lost the connection (it was restarted)`);
    case 'version':
      return new ConnectFailure(`${label} speaks no QUIC version 1${said}`, 'fatal-at-first');
    case 'local':
    case 'remote': {
      const alert = info.code - TransportError.cryptoError;
      if (!info.application && alert >= 0 && alert < 256) return tlsFailure(alert, info, target, label);
      // Of a whole connection: nothing that this device asks for is served any more.
      if (info.by === 'remote' && info.application && info.code === Http3ErrorCode.requestRejected)
        return new ConnectFailure(`the edge refuses this device${said}`, 'fatal');
      if (info.by === 'remote' && !info.application && info.code === TransportError.connectionRefused)
        return new ConnectFailure(`${label} takes no new connections at the moment${said}`);
      const who = info.by === 'local' ? 'we closed the connection to' : 'the connection was closed by';
      return new ConnectFailure(`${who} ${label} (${inWords(info)}${said})`);
    }
  }
};
