import type { Random, TimeUs } from '../contract.ts';
import type { AckRequests } from './ack/asking.ts';
import type { CloseInfo, ConnectionSink, QuicConnection } from './api.ts';
import type { LocalCids } from './cids/local-cids.ts';
import type { PeerCids } from './cids/peer-cids.ts';
import type { Closer } from './close.ts';
import type { QuicConfig } from './config.ts';
import type { ControlFrames } from './control.ts';
import type { ConnectionCounters } from './counters.ts';
import type { DatagramQueue } from './datagrams.ts';
import type { QuicError } from './errors.ts';
import type { FirstByte } from './first-byte.ts';
import type { Handshake } from './handshake.ts';
import type { IdleTimer } from './idle.ts';
import type { Keys } from './keys.ts';
import type { ConnectionObserver } from './observer.ts';
import type { Paths } from './paths/paths.ts';
import type { CryptoPort } from './ports.ts';
import type { Recovery } from './recovery/recovery.ts';
import type { PacketSpace } from './space.ts';
import type { Streams } from './streams/streams.ts';
import type { PacketHeader } from './wire/packet/header.ts';

/** The parts of one connection, as they see each other. `connection.ts` puts them together. */
export interface Parts {
  readonly connection: QuicConnection;
  readonly isServer: boolean;
  readonly config: QuicConfig;
  readonly crypto: CryptoPort;
  readonly random: Random;
  readonly sink: ConnectionSink;
  readonly counters: ConnectionCounters;
  /** The QUIC version in use, and that of the client's first packet (RFC 9368); of the second first one if it began anew. */
  version: number;
  originalVersion: number;
  readonly firstByte: FirstByte;
  readonly keys: Keys;
  readonly handshake: Handshake;
  /** The index is `Space`. */
  readonly spaces: readonly [PacketSpace, PacketSpace, PacketSpace];
  readonly recovery: Recovery;
  readonly streams: Streams;
  readonly datagrams: DatagramQueue;
  /** The application found the queue of datagrams full, and waits to hear of room. */
  datagramsRefused: boolean;
  readonly localCids: LocalCids;
  readonly peerCids: PeerCids;
  readonly control: ControlFrames;
  readonly ackRequests: AckRequests;
  readonly paths: Paths;
  readonly idle: IdleTimer;
  readonly closer: Closer;
  /** Sees how it fares; may come and go at any time between two calls. */
  observer: ConnectionObserver | undefined;
  /** Ends the connection with CONNECTION_CLOSE because of this error. */
  fail(error: QuicError, now: TimeUs): void;
  /** The handshake is confirmed (RFC 9001 §4.1.2). */
  onConfirmed(now: TimeUs): void;
  /** CONNECTION_CLOSE arrived. */
  onPeerClose(application: boolean, code: number, reason: string, now: TimeUs): void;
  /** It ends silently, for want of a sign of life. */
  onIdle(reason: string, now: TimeUs): void;
  /** It ends silently. */
  onGivenUp(info: CloseInfo, now: TimeUs): void;
  /** The peer has lost its state (RFC 9000 §10.3). */
  onReset(now: TimeUs): void;
  onRetry(buffer: Uint8Array, header: PacketHeader, now: TimeUs): void;
  onVersionNegotiation(buffer: Uint8Array, header: PacketHeader, now: TimeUs): void;
  /** The larger of the present PTO and that of a path of which nothing is known (RFC 9000 §8.2.4). */
  validationPtoUs(): number;
  /** NEW_TOKEN arrived: a copy. */
  onToken(token: Uint8Array): void;
}
