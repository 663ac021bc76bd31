import type { QuicConnection } from '#protocol/quic/api.ts';
import { Connection } from '#protocol/quic/connection.ts';
import type { ConnectOptions } from '#protocol/quic/endpoint/maker.ts';
import { isSupportedVersion } from '#protocol/quic/wire/packet/version.ts';
import { DEFAULT_TRANSPORT_PARAMETERS, type TransportParameters } from '#protocol/quic/wire/transport-parameters.ts';
import { mustBeSecret } from './options.ts';

/** What a client keeps of a connection to resume it. Use each once, where it carries early data (RFC 8470). */
export interface SavedSession {
  readonly ticket: Uint8Array;
  readonly parameters: TransportParameters;
  /** QUIC's: the next connection begins with it (RFC 9369 §5). */
  readonly version: number;
}

/** The shape of it; what the ticket says only its server knows. */
const isSavedSession = (value: unknown): boolean => {
  const { ticket, parameters, version } = Object(value) as Partial<SavedSession>;
  const kept = Object(parameters) as Readonly<Record<string, unknown>>;
  return (
    ticket instanceof Uint8Array &&
    ticket.length > 0 &&
    isSupportedVersion(version as number) &&
    Object.entries(DEFAULT_TRANSPORT_PARAMETERS).every(([k, v]) => v === undefined || typeof kept[k] === typeof v)
  );
};

export const isSaved = mustBeSecret(isSavedSession, 'what the event `ticket` of an earlier session gave');
export const isSavedHttp3 = mustBeSecret(
  (value) => isSavedSession(value) && typeof (value as { settings?: unknown }).settings === 'object',
  'what `resumable` of an earlier client gave',
);

/** @param ticket lent @returns undefined: the connection is not of this stack */
export const savedSession = (connection: QuicConnection, ticket: Uint8Array): SavedSession | undefined =>
  connection instanceof Connection
    ? {
        ticket: ticket.slice(),
        parameters: connection.parts.handshake.peer,
        version: connection.parts.version,
      }
    : undefined;

/** What the next connection begins with. @param early it may send early data */
export const resuming = (
  saved: SavedSession | undefined,
  early: boolean,
): Pick<ConnectOptions, 'ticket' | 'version' | 'remembered'> =>
  saved === undefined
    ? {}
    : { ticket: saved.ticket, version: saved.version, ...(early && { remembered: saved.parameters }) };
