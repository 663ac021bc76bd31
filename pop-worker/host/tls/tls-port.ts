import type { TlsClientOptions, TlsPort, TlsServerOptions } from '#protocol/quic/ports.ts';
import { nowUs } from '../clock/clock.ts';
import { native } from '../native.ts';
import {
  createClientContext,
  createServerContext,
  encodeAlpn,
  setTicketKeys,
  type TlsClientContextOptions,
  type TlsServerContextOptions,
} from './context.ts';
import type { HandshakeDesk } from './handshake-desk.ts';
import { type Elsewhere, OpensslSession, type SessionHooks } from './session.ts';
import { type RefusedEarlyData, SERIAL_BYTES, SingleUse } from './single-use.ts';

export interface TlsServerPortOptions extends TlsServerContextOptions {
  /**
   * Policy for early data, on top of TLS's own rules and of single use (`SingleUse`). It is given what `setTicketData` put
   * into the ticket, and must not use the session. Default: accept whenever `earlyData` is on.
   */
  readonly acceptEarlyData?: ((ticketData: Uint8Array) => boolean) | undefined;
  /** Does the handshakes of those who say by `ready` that they wait for them; absent: the calling thread does. */
  readonly desk?: HandshakeDesk | undefined;
}

/** Handshakes that wait for a thread; with half of them a new client must show first that it is where it says. */
export const MOST_WAITING = 256;

/** A port whose sessions have what OpenSSL offers beyond the port. */
export interface OpensslServerPort extends TlsPort {
  server(options: TlsServerOptions): OpensslSession;
  readonly refusedEarlyData: RefusedEarlyData;
  /** For sessions from now on, and tickets of those that go on: the first key seals, all open. */
  setTicketKeys(keys: readonly Uint8Array[]): void;
  /**
   * For sessions from now on; those that go on keep theirs. Without ticket keys, tickets of before are no longer taken.
   *
   * @throws as `createTlsServerPort`: then nothing changes
   */
  replace(change: Pick<TlsServerContextOptions, 'identities' | 'ticketKeys'>): void;
}

export interface OpensslClientPort extends TlsPort {
  client(options: TlsClientOptions): OpensslSession;
}

const NO_TICKET = new Uint8Array();

/**
 * TLS of servers by Node's own OpenSSL. A port belongs to the thread that made it.
 *
 * @throws RangeError for options that contradict each other, Error `ERR_TLS_CONFIGURATION` for what OpenSSL refuses
 */
export const createTlsServerPort = (options: TlsServerPortOptions): OpensslServerPort => {
  let context = createServerContext(options);
  const { acceptEarlyData, keyLog, desk } = options;
  const tickets = new SingleUse();
  return {
    refusedEarlyData: tickets,
    ...(desk !== undefined && { load: () => desk.waiting / MOST_WAITING }),
    server: ({ transportParameters, early, ready }) => {
      const accept = (ticket: Uint8Array): boolean => {
        const data = ticket.subarray(SERIAL_BYTES);
        if (early?.bears(data) === false || acceptEarlyData?.(data) === false) return false;
        return tickets.take(ticket.subarray(0, SERIAL_BYTES), nowUs());
      };
      const hooks: SessionHooks = { acceptEarlyData: accept, keyLog };
      const elsewhere: Elsewhere | undefined = desk && ready && { desk, ready };
      const session = new OpensslSession(native.tlsServerNew(context, transportParameters), hooks, false, elsewhere);
      if (early !== undefined) session.setTicketData(early.context, early.scope);
      return session;
    },
    client: () => {
      throw new Error('this TLS port is a server');
    },
    setTicketKeys: (keys) => setTicketKeys(context, keys),
    replace: (change) => {
      context = createServerContext({ ...options, ...change });
    },
  };
};

/**
 * TLS of clients by Node's own OpenSSL. A session's ticket is used only for the server name that it was given under.
 *
 * @throws RangeError for options that contradict each other, Error `ERR_TLS_CONFIGURATION` for what OpenSSL refuses
 */
export const createTlsClientPort = (options: TlsClientContextOptions): OpensslClientPort => {
  const context = createClientContext(options);
  const hooks: SessionHooks = { keyLog: options.keyLog };
  return {
    client: ({ serverName, alpn, transportParameters, ticket, earlyData }) =>
      new OpensslSession(
        native.tlsClientNew(
          context,
          serverName,
          encodeAlpn(alpn),
          transportParameters,
          ticket ?? NO_TICKET,
          earlyData ?? false,
        ),
        hooks,
        true,
      ),
    server: () => {
      throw new Error('this TLS port is a client');
    },
  };
};
