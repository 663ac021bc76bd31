import type { Random, TimeUs } from '../contract.ts';
import { AckRequests } from './ack/asking.ts';
import type { ConnectionSink } from './api.ts';
import { LocalCids } from './cids/local-cids.ts';
import { PeerCids } from './cids/peer-cids.ts';
import { Closer } from './close.ts';
import type { QuicConfig } from './config.ts';
import type { Connection } from './connection.ts';
import { ControlFrames } from './control.ts';
import { connectionCounters } from './counters.ts';
import { DatagramQueue } from './datagrams.ts';
import { FirstByte } from './first-byte.ts';
import { FrameFates } from './frame-fates.ts';
import { Handshake } from './handshake.ts';
import { IdleTimer } from './idle.ts';
import { type InitialKeys, Keys } from './keys.ts';
import { tryPreferredAddress } from './migration.ts';
import type { ConnectionObserver } from './observer.ts';
import type { Parts } from './parts.ts';
import { Path } from './paths/path.ts';
import { Paths } from './paths/paths.ts';
import { type CryptoPort, Level, type TlsSession } from './ports.ts';
import { Mtu } from './recovery/mtu.ts';
import { Recovery, Space } from './recovery/recovery.ts';
import { onRetry, onVersionNegotiation } from './restart.ts';
import { PacketSpace } from './space.ts';
import { Streams } from './streams/streams.ts';
import type { WindowBudget } from './streams/window-budget.ts';
import type { HandshakeCids } from './transport.ts';
import type { TransportParameters } from './wire/transport-parameters.ts';

/** What a connection needs of the endpoint that has it. */
export interface ConnectionHost {
  /** What receive windows may grow by. */
  readonly windows: WindowBudget;
  /** The time of the call in progress: for commands, which bring none. */
  now(): TimeUs;
  generateCid(): Uint8Array;
  resetToken(cid: Uint8Array): Uint8Array;
  cidIssued(connection: Connection, cid: Uint8Array): void;
  cidRetired(connection: Connection, cid: Uint8Array): void;
  /** It has something to send, or another deadline. */
  wake(connection: Connection): void;
  /** A program ended what it sends on a stream. */
  answered(): void;
  confirmed(connection: Connection, now: TimeUs): void;
  /** A token for the client's next connection (RFC 9000 §8.1.3); undefined: none is given. */
  newToken(connection: Connection, now: TimeUs): Uint8Array | undefined;
  /** The peer's address is another one now. */
  pathChanged(connection: Connection): void;
  /** An error that is not of the protocol was thrown. @returns whether somebody takes it; else it goes on up */
  fault(error: unknown): boolean;
  /** Who is to see how this new connection fares. */
  observe(connection: Connection, now: TimeUs): ConnectionObserver | undefined;
}

/** A token of NEW_TOKEN, and the name of the server that gave it: for others it is of no use (RFC 9000 §8.1.3). */
export interface ServerToken {
  readonly serverName: string;
  readonly version: number;
  readonly bytes: Uint8Array;
}

export interface ConnectionOptions {
  readonly isServer: boolean;
  readonly config: QuicConfig;
  readonly crypto: CryptoPort;
  readonly random: Random;
  readonly sink: ConnectionSink;
  readonly host: ConnectionHost;
  readonly tls: TlsSession;
  /** Of a client: another session, for another version. */
  readonly tlsAnew?: (version: number) => TlsSession;
  readonly version: number;
  /** Source Connection ID of our long headers. */
  readonly scid: Uint8Array;
  /** Where our first packets go: a server's client's Source Connection ID, a client's random choice. */
  readonly dcid: Uint8Array;
  /** What Initial keys derive from: the Destination Connection ID of the client's (latest) first Initial. */
  readonly keyCid: Uint8Array;
  /** A server's: those keys, which opened the client's first packet. The connection's own from now on. */
  readonly initialKeys?: InitialKeys;
  readonly cids: HandshakeCids;
  readonly token: Uint8Array;
  /** Of the server that a client connects to. */
  readonly serverName?: string;
  /** Of the peer and of ours, six words each (`../address.ts`). */
  readonly remote: Int32Array;
  readonly local: Int32Array;
  /** A server's: of the client's first datagram, which its own are not to exceed until larger ones are known to pass. */
  readonly firstBytes?: number;
  /** Our peer's address needs no validation: servers' never, clients' after Retry. */
  readonly validated: boolean;
  /** Transport parameters of the session that a client resumes with early data. */
  readonly remembered?: TransportParameters;
  readonly now: TimeUs;
}

/** RFC 9002 §6.2.2: without an RTT sample, PTO is about three times this. */
const UNKNOWN_PTO_US = 999_000;

const LEVEL_OF_SPACE = [Level.initial, Level.handshake, Level.oneRtt] as const;

/** Makes the parts of a connection and shows them to each other. */
export const makeParts = (connection: Connection, options: ConnectionOptions): Parts => {
  const { config, isServer, crypto, random, sink, host, now } = options;
  const some: Partial<Writable<Parts>> = {
    connection,
    isServer,
    config,
    crypto,
    random,
    sink,
    version: options.version,
    originalVersion: options.version,
  };
  const parts = some as Writable<Parts>;
  parts.counters = connectionCounters();
  parts.closer = new Closer();
  parts.observer = undefined;
  parts.firstByte = new FirstByte(config, random, isServer);
  parts.keys = new Keys(crypto, isServer);
  parts.keys.installInitial(options.version, options.keyCid, options.initialKeys);
  parts.idle = new IdleTimer(now, config.maxIdleTimeoutMs * 1000, config.keepAliveUs);
  parts.handshake = new Handshake(parts, options);
  const space = (id: Space) =>
    new PacketSpace(id, config, (buffer, start, end) =>
      parts.handshake.onCrypto(LEVEL_OF_SPACE[id], buffer, start, end),
    );
  parts.spaces = [space(Space.initial), space(Space.handshake), space(Space.application)];
  parts.recovery = makeRecovery(parts, options.firstBytes);
  parts.streams = new Streams({ isServer, ...config }, connection, sink, host.windows);
  parts.datagrams = new DatagramQueue(config.datagramQueueBytes, config.datagramQueueCount);
  parts.datagramsRefused = false;
  parts.localCids = new LocalCids({
    initial: options.scid,
    generate: () => host.generateCid(),
    resetToken: (cid) => host.resetToken(cid),
    issued: (cid) => host.cidIssued(connection, cid),
    retired: (cid) => host.cidRetired(connection, cid),
  });
  parts.peerCids = new PeerCids(config.activeConnectionIdLimit, options.dcid);
  parts.ackRequests = new AckRequests(parts.recovery);
  parts.control = new ControlFrames(parts.localCids, parts.peerCids.retirements, parts.ackRequests);
  parts.paths = makePaths(parts, options);
  addCallbacks(parts, options);
  if (isServer) {
    parts.handshake.setPeerScid(options.dcid);
    parts.peerCids.setInitial(options.dcid);
  }
  if (options.remembered !== undefined) parts.handshake.remember(options.remembered);
  return parts;
};

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** For one number at a time. */
const word = new Uint8Array(4);

const makeRecovery = (parts: Parts, firstBytes = Number.POSITIVE_INFINITY): Recovery => {
  const { config, isServer, random } = parts;
  const uniform = (): number => {
    random.fill(word);
    return word.reduceRight((value, byte) => (value + byte) / 256, 0);
  };
  const mtu = new Mtu({ cap: config.maxDatagramBytes, initial: Math.min(config.initialDatagramBytes, firstBytes) });
  const { controller, maxSentPackets: maxPackets, ecn } = config;
  const options = { isServer, controller, mtu, random: uniform, maxPackets, ecn };
  return new Recovery(options, new FrameFates(parts));
};

const makePaths = (parts: Parts, options: ConnectionOptions): Paths => {
  const { host, isServer } = options;
  const first = new Path(0, options.remote, 0, options.local, 0);
  first.validated = options.validated;
  return new Paths(isServer, first, {
    validationPtoUs: () => parts.validationPtoUs(),
    pathChanged: (path, fresh, now) => {
      parts.counters.pathChanges++;
      if (fresh) {
        parts.recovery.onPathChange(path.congestionId, now);
        parts.ackRequests.onPathChange();
      }
      // RFC 9000 §9.2: only what does more than probe tells the server that we are here.
      if (!isServer) {
        parts.spaces[Space.application].ping = true;
        parts.ackRequests.demand();
      }
      host.pathChanged(parts.connection as Connection);
    },
    pathForgotten: ({ cidId }) => {
      if (!parts.paths.usesCidOf(cidId)) parts.peerCids.release(cidId);
    },
    pathValidated: (_path, now) => {
      parts.counters.pathsValidated++;
      const token = parts.isServer ? host.newToken(parts.connection as Connection, now) : undefined;
      if (token !== undefined) parts.control.sendToken(token);
    },
    noPathLeft: (now) => parts.onIdle('no validated path', now),
  });
};

/** What parts ask of the connection as a whole. */
const addCallbacks = (parts: Writable<Parts>, options: ConnectionOptions): void => {
  const connection = parts.connection as Connection;
  const { host, isServer, serverName = '' } = options;
  parts.fail = (error, now) => connection.fail(error, now);
  parts.onPeerClose = (application, code, reason, now) => connection.onPeerClose(application, code, reason, now);
  parts.onReset = (now) => connection.onReset(now);
  parts.onIdle = (reason, now) => connection.onIdle(reason, now);
  parts.onGivenUp = (info, now) => connection.onGivenUp(info, now);
  parts.onRetry = (buffer, header, now) => onRetry(parts, buffer, header, now);
  parts.onVersionNegotiation = (buffer, header, now) => onVersionNegotiation(parts, buffer, header, now);
  parts.validationPtoUs = () => Math.max(parts.recovery.ptoUs(Space.application), UNKNOWN_PTO_US);
  parts.onToken = (bytes) => {
    connection.newToken = { serverName, version: parts.version, bytes };
  };
  parts.onConfirmed = (now) => {
    const token = parts.isServer ? host.newToken(connection, now) : undefined;
    if (token !== undefined) parts.control.sendToken(token);
    if (!isServer) tryPreferredAddress(parts, now);
    host.confirmed(connection, now);
  };
};
