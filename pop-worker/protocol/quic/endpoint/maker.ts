import { ADDRESS_WORDS } from '../../address.ts';
import type { Random, TimeUs } from '../../contract.ts';
import type { ConnectionSink } from '../api.ts';
import type { EndpointConfig, QuicConfig } from '../config.ts';
import { Connection } from '../connection.ts';
import type { ConnectionHost, ServerToken } from '../connection-parts.ts';
import { bearsEarlyData, earlyContext, ticketDataOf, VERSION_BYTES } from '../early-limits.ts';
import type { InitialKeys } from '../keys.ts';
import type { ConnectionObserver } from '../observer.ts';
import type { CryptoPort, TlsPort } from '../ports.ts';
import { preferredAddressOf } from '../preferred-address.ts';
import type { WindowBudget } from '../streams/window-budget.ts';
import { ownParameters } from '../transport.ts';
import { LateTls } from '../versions/late-tls.ts';
import { negotiate, originalVersion } from '../versions/negotiation.ts';
import type { PreferredAddress } from '../wire/parameters/definition.ts';
import type { TransportParameters } from '../wire/transport-parameters.ts';
import type { Admission } from './acceptor.ts';
import type { Registry } from './registry.ts';
import type { Addresses } from './stateless.ts';
import type { Tokens } from './tokens.ts';

/** RFC 9000 §7.2: at least 8 bytes; unpredictable. */
const CLIENT_DCID_BYTES = 8;
const NONCE_BYTES = 8;
const RESET_KEY_BYTES = 32;
const NO_TOKEN = new Uint8Array();

/** Tokens that nobody can guess go out in any case, also from an endpoint that sends no resets (RFC 9000 §10.3.2). */
const randomKey = (random: Random): Uint8Array => {
  const key = new Uint8Array(RESET_KEY_BYTES);
  random.fill(key);
  return key;
};

export interface EndpointOptions {
  readonly config: EndpointConfig;
  /** For connections that clients open, and those that we open without their own. */
  readonly quic: QuicConfig;
  readonly crypto: CryptoPort;
  readonly tls: TlsPort;
  readonly random: Random;
  /** 32 bytes. Seals address validation tokens; servers that share it take each other's. */
  readonly tokenKey: Uint8Array;
  /** 32 bytes. Stateless reset tokens derive from it (RFC 9000 §10.3.2); undefined: a random one, and no resets are sent. */
  readonly resetKey?: Uint8Array;
  /**
   * Is asked instead of `resetKey` by which a stateless reset for a packet with this connection ID is made, where endpoints
   * may know of each other's connections that they are lost; undefined: none is sent.
   */
  readonly resetKeyOf?: (cid: Uint8Array) => Uint8Array | undefined;
  /** Fills a connection ID of `config.cidBytes` bytes; random ones by default. */
  readonly fillCid?: (cid: Uint8Array) => void;
  /**
   * Is asked about datagrams of no connection that this endpoint has.
   *
   * @param cidAt where the destination connection ID begins @param base of the descriptor in `words`
   * @returns whether it belongs elsewhere and went there
   */
  readonly stray?: (
    buffer: Uint8Array,
    start: number,
    end: number,
    cidAt: number,
    cidBytes: number,
    words: Int32Array,
    base: number,
  ) => boolean;
  /** Who takes a connection that a client opens; undefined refuses it. Without it the endpoint is a client only. */
  readonly accept?: (admission: Admission) => ConnectionSink | undefined;
  /**
   * Is told of errors that no protocol explains, thrown by a connection or its sink: bugs. That connection is closed with
   * INTERNAL_ERROR, the others go on. Without it such errors are thrown on.
   */
  readonly onFault?: (error: unknown) => void;
  /**
   * Whether early data of a session is welcome, where TLS takes it and its limits can be borne; by default it is.
   *
   * @param ticketData what `lastTicket` had put into the ticket; empty if nothing
   */
  readonly welcomesEarlyData?: (ticketData: Uint8Array) => boolean;
  /** Is asked for each new connection who is to see how it fares, if anybody is. */
  readonly observe?: (connection: Connection, now: TimeUs) => ConnectionObserver | undefined;
}

export interface ConnectOptions {
  readonly remote: Int32Array;
  /** All zero, or absent: the kernel chooses. */
  readonly local?: Int32Array;
  readonly serverName: string;
  readonly alpn: readonly string[];
  readonly sink: ConnectionSink;
  readonly config?: QuicConfig;
  readonly version?: number;
  /** `newToken` of an earlier connection; used if that was to this server and in this version (RFC 9369 §5). */
  readonly token?: ServerToken;
  /** Of a connection whose version, at its end, was the one that this begins with (RFC 9369 §5). */
  readonly ticket?: Uint8Array;
  /** The server's transport parameters of the session that `ticket` is of: sends early data. */
  readonly remembered?: TransportParameters;
}

const tokenFor = (token: ServerToken | undefined, serverName: string, version: number): Uint8Array =>
  token?.serverName === serverName && token.version === version ? token.bytes : new Uint8Array();

/** Makes connections and stands between them and the endpoint's tables. */
export class Maker {
  readonly #options: EndpointOptions;
  readonly #registry: Registry;
  readonly #host: ConnectionHost;
  readonly #onTls: (connection: Connection, now: TimeUs) => void;

  /** @param onTls a connection's TLS, in another thread, has something to say */
  constructor(
    options: EndpointOptions,
    registry: Registry,
    tokens: Tokens,
    windows: WindowBudget,
    now: () => TimeUs,
    onTls: (connection: Connection, now: TimeUs) => void,
  ) {
    this.#onTls = onTls;
    const { crypto, random, onFault, observe } = options;
    const resetKey = options.resetKey ?? randomKey(random);
    this.#options = options;
    this.#registry = registry;
    this.#host = {
      windows,
      now,
      generateCid: () => this.generateCid(),
      resetToken: (cid) => crypto.resetToken(resetKey, cid),
      cidIssued: (connection, cid) => registry.addCid(connection, cid.slice()),
      cidRetired: (connection, cid) => registry.removeCid(connection, cid),
      wake: (connection) => registry.wake(connection),
      answered: () => {
        registry.answered = true;
      },
      confirmed: (connection) => registry.noteConfirmed(connection),
      newToken: (connection, at) => {
        const nonce = new Uint8Array(NONCE_BYTES);
        random.fill(nonce);
        return tokens.newToken(connection.parts.paths.active.remote, 0, nonce, at, connection.parts.version);
      },
      pathChanged: (connection) => registry.noteAddress(connection),
      fault: (error) => {
        onFault?.(error);
        return onFault !== undefined;
      },
      observe: (connection, at) => observe?.(connection, at),
    };
  }

  /** One that leads to no connection yet. */
  generateCid(): Uint8Array {
    const { config, random, fillCid } = this.#options;
    const cid = new Uint8Array(config.cidBytes);
    do {
      if (fillCid === undefined) random.fill(cid);
      else fillCid(cid);
    } while (this.#registry.byCid.get(cid, 0, cid.length) !== undefined);
    return cid;
  }

  connect(options: ConnectOptions, now: TimeUs): Connection {
    const { crypto, random, tls, quic } = this.#options;
    const config = options.config ?? quic;
    const version = options.version ?? originalVersion(config.versions);
    const scid = this.generateCid();
    const dcid = new Uint8Array(CLIENT_DCID_BYTES);
    random.fill(dcid);
    const { serverName, alpn } = options;
    const parameters = (of: number) => ownParameters(config, random, of, scid, undefined);
    const session = tls.client({
      serverName,
      alpn,
      transportParameters: parameters(version),
      ...(options.ticket === undefined ? {} : { ticket: options.ticket }),
      earlyData: options.remembered !== undefined,
    });
    const connection = new Connection({
      isServer: false,
      config,
      crypto,
      random,
      sink: options.sink,
      host: this.#host,
      tls: session,
      tlsAnew: (of) => tls.client({ serverName, alpn, transportParameters: parameters(of) }),
      version,
      scid,
      dcid,
      keyCid: dcid,
      cids: { original: dcid, retry: undefined },
      token: tokenFor(options.token, serverName, version),
      serverName,
      remote: options.remote,
      local: options.local ?? new Int32Array(ADDRESS_WORDS),
      validated: true,
      ...(options.remembered === undefined ? {} : { remembered: options.remembered }),
      now,
    });
    this.#registry.add(connection, [scid]);
    return connection;
  }

  /** @param firstBytes of the datagram that opens the connection */
  accept(
    admission: Admission,
    keys: InitialKeys,
    sink: ConnectionSink,
    from: Addresses,
    firstBytes: number,
    now: TimeUs,
  ): Connection {
    const { crypto, random, tls, quic, resetKey, welcomesEarlyData } = this.#options;
    // RFC 9000 §7.3: after Retry, the ID that it gave goes on being ours.
    const scid = admission.retryCid ?? this.generateCid();
    const cids = { original: admission.originalDcid, retry: admission.retryCid };
    const resetToken = resetKey === undefined ? undefined : crypto.resetToken(resetKey, scid);
    // The session asks for it when the ClientHello is there.
    const session = new LateTls((parameters) => {
      const version = negotiate(quic.versions, admission.version, parameters);
      connection.parts.handshake.changeVersion(version);
      const preferredAddress = this.#preferredAddress(connection);
      const server = { ...cids, resetToken, preferredAddress };
      const transportParameters = ownParameters(quic, random, version, scid, server);
      const bears = (context: Uint8Array) =>
        bearsEarlyData(quic, version, context) && welcomesEarlyData?.(ticketDataOf(context)) !== false;
      const ready = (at: TimeUs) => this.#onTls(connection, at);
      return tls.server({
        transportParameters,
        early: { context: earlyContext(quic, version), scope: VERSION_BYTES, bears },
        ready,
      });
    });
    const connection: Connection = new Connection({
      isServer: true,
      config: quic,
      crypto,
      random,
      sink,
      host: this.#host,
      tls: session,
      version: admission.version,
      scid,
      dcid: admission.clientCid,
      keyCid: admission.keyCid,
      initialKeys: keys,
      cids,
      token: NO_TOKEN,
      remote: from.words.slice(from.remoteAt, from.remoteAt + ADDRESS_WORDS),
      local: from.words.slice(from.localAt, from.localAt + ADDRESS_WORDS),
      firstBytes,
      validated: admission.validated,
      now,
    });
    this.#registry.add(connection, [scid, admission.keyCid]);
    return connection;
  }

  /** RFC 9000 §9.6: with a connection ID of its own, which the connection has from now on. */
  #preferredAddress({ parts }: Connection): PreferredAddress | undefined {
    const { preferredAddress } = this.#options.quic;
    if (preferredAddress === undefined) return undefined;
    const cid = this.generateCid();
    parts.localCids.addPreferred(cid);
    return preferredAddressOf(preferredAddress, cid, this.#host.resetToken(cid));
  }
}
