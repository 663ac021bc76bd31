import type { TimeUs } from '../contract.ts';
import { checkNotLower, rememberedOf, ticketContext, ticketDataOf } from './early-limits.ts';
import { localError, remoteError, TransportError } from './errors.ts';
import type { Parts } from './parts.ts';
import { Level, type TlsEvent, type TlsSession } from './ports.ts';
import { PostHandshake } from './post-handshake.ts';
import { Space } from './recovery/recovery.ts';
import { authenticateCids, type HandshakeCids, limitsOf } from './transport.ts';
import { checkGenuine, checkVersions } from './versions/negotiation.ts';
import {
  DEFAULT_TRANSPORT_PARAMETERS,
  parseTransportParameters,
  type TransportParameters,
} from './wire/transport-parameters.ts';

/** The packet number space of each encryption level (RFC 9001 §4.1.4). */
export const SPACE_OF_LEVEL = [Space.initial, Space.application, Space.handshake, Space.application] as const;

export interface HandshakeOptions {
  readonly tls: TlsSession;
  readonly cids: HandshakeCids;
  /** Source Connection ID of our long headers. */
  readonly scid: Uint8Array;
  /** What a client's Initial packets carry, empty for none (RFC 9000 §8.1). */
  readonly token: Uint8Array;
  /** Another session, of a client that begins anew in this version. */
  readonly tlsAnew?: ((version: number) => TlsSession) | undefined;
}

/** Drives TLS: CRYPTO bytes in and out, keys, transport parameters, completion (RFC 9001 §4). */
export class Handshake {
  readonly #parts: Parts;
  #tls: TlsSession;
  readonly #tlsAnew: HandshakeOptions['tlsAnew'];
  readonly scid: Uint8Array;
  #token: Uint8Array;
  /** Source Connection ID of the peer's first packet. */
  #peerScid: Uint8Array | undefined;
  #cids: HandshakeCids;
  #peer: TransportParameters | undefined;
  #complete = false;
  #confirmed = false;
  /** The peer has answered beyond the handshake. */
  #lasts = false;
  /** What a client that sends early data goes by. */
  #remembered: TransportParameters | undefined;
  #due = true;
  #begunAnew = false;
  /** A server has not let go of TLS since the handshake was confirmed. */
  #keepsTls = false;
  /** Early data of the attempt before: its ticket is of another version (RFC 9369 §5). */
  #earlyDataDropped = false;
  readonly #postHandshake = new PostHandshake();

  constructor(parts: Parts, options: HandshakeOptions) {
    this.#parts = parts;
    this.#tls = options.tls;
    this.#tlsAnew = options.tlsAnew;
    this.#cids = options.cids;
    this.scid = options.scid;
    this.#token = options.token;
  }

  get token(): Uint8Array {
    return this.#token;
  }

  get isComplete(): boolean {
    return this.#complete;
  }

  get isConfirmed(): boolean {
    return this.#confirmed;
  }

  /** What the peer declared; the defaults before it did. */
  get peer(): TransportParameters {
    return this.#peer ?? DEFAULT_TRANSPORT_PARAMETERS;
  }

  get cids(): HandshakeCids {
    return this.#cids;
  }

  /** Undefined before the first packet of the peer. */
  get peerScid(): Uint8Array | undefined {
    return this.#peerScid;
  }

  setPeerScid(cid: Uint8Array): void {
    this.#peerScid = cid;
  }

  /** A client that was told to retry: RFC 9000 §7.3. */
  setRetry(cid: Uint8Array, token: Uint8Array): void {
    this.#cids = { original: this.#cids.original, retry: cid };
    this.#token = token;
  }

  /** A Version Negotiation packet was acted on (RFC 9368 §2.1). */
  get hasBegunAnew(): boolean {
    return this.#begunAnew;
  }

  /** A client that was told of other versions: RFC 9368 §2.1. @param original Destination Connection ID of its new first flight */
  beginAnew(version: number, original: Uint8Array): void {
    if (this.#tlsAnew === undefined) throw localError(TransportError.internalError, 'only clients begin anew');
    const { keys, streams } = this.#parts;
    this.#tls.close();
    this.#tls = this.#tlsAnew(version);
    this.#cids = { original, retry: undefined };
    // RFC 9369 §5: tokens and tickets are good for the version that they are of.
    this.#token = new Uint8Array();
    this.#begunAnew = true;
    this.#due = true;
    if (this.#remembered === undefined) return;
    this.#remembered = undefined;
    this.#peer = undefined;
    this.#earlyDataDropped = true;
    keys.discard(Level.earlyData);
    streams.onEarlyDataRejected();
  }

  /** The connection goes on in another version than it began with (RFC 9368 §2.3). */
  changeVersion(version: number): void {
    const parts = this.#parts;
    if (version === parts.version) return;
    parts.version = version;
    parts.keys.changeInitialVersion(version);
  }

  /** A client goes by the limits of the session that it resumes (RFC 9000 §7.4.1). */
  remember(parameters: TransportParameters): void {
    const remembered = rememberedOf(parameters);
    this.#remembered = remembered;
    this.#peer = remembered;
    this.#parts.recovery.setPeerDatagramLimit(remembered.maxUdpPayloadSize);
    this.#parts.streams.setPeerLimits(limitsOf(remembered), 'remembered');
  }

  /** In-order CRYPTO bytes. The session may keep them, so they are copied. @throws QuicError remote */
  onCrypto(level: Level, buffer: Uint8Array, start: number, end: number): void {
    if (level === Level.oneRtt) this.#postHandshake.receive(buffer, start, end);
    this.#tls.receive(level, buffer.slice(start, end));
    this.#due = true;
  }

  /** TLS has something to say, from another thread. */
  wake(): void {
    this.#due = true;
  }

  /** Acts on what TLS says. @throws QuicError */
  advance(now: TimeUs): void {
    if (!this.#due) return;
    this.#due = false;
    for (let event = this.#tls.next(); event !== undefined; event = this.#tls.next()) this.#on(event, now);
  }

  /** A server that kept TLS for it gives a ticket with this in it, or none, and lets go of TLS. */
  lastTicket(data: Uint8Array | undefined): void {
    const { config, version } = this.#parts;
    if (!this.#keepsTls) return;
    if (data !== undefined) {
      this.#tls.giveTicket(ticketContext(config, version, data));
      this.#tickets();
    }
    this.#keepsTls = false;
    this.#tls.release();
  }

  /** There is nothing to be said but tickets. */
  #tickets(): void {
    for (let event = this.#tls.next(); event !== undefined; event = this.#tls.next())
      if (event.type === 'crypto') this.#parts.spaces[SPACE_OF_LEVEL[event.level]].crypto.write(event.data);
  }

  exporter(label: string, context: Uint8Array, length: number): Uint8Array {
    return this.#tls.exporter(label, context, length);
  }

  close(): void {
    this.#tls.close();
  }

  #on(event: TlsEvent, now: TimeUs): void {
    const parts = this.#parts;
    switch (event.type) {
      case 'crypto':
        parts.spaces[SPACE_OF_LEVEL[event.level]].crypto.write(event.data);
        break;
      case 'secret':
        // RFC 9369 §4.1: 0-RTT keeps to the version of the first packet.
        parts.keys.install(
          event.level === Level.earlyData ? parts.originalVersion : parts.version,
          event.level,
          event.direction,
          event.suite,
          event.secret,
        );
        if (event.level === Level.handshake) this.#onHandshakeKeys(event.direction);
        break;
      case 'transport-parameters':
        this.#onParameters(event.data);
        break;
      case 'alert':
        if (event.violation === true) throw remoteError(TransportError.protocolViolation, event.reason, 0x06);
        // RFC 9001 §4.8: an alert is a connection error of its own range.
        throw remoteError(TransportError.cryptoError + event.code, event.reason, 0x06);
      case 'ticket':
        parts.sink.ticket(parts.connection, event.data);
        break;
      case 'complete':
        this.#onComplete(event, now);
        break;
    }
  }

  /** RFC 9001 §4.1.3: TLS has read all of the level before. */
  #onHandshakeKeys(direction: 'read' | 'write'): void {
    if (direction === 'write') this.#parts.recovery.onHandshakeKeys();
    else this.#parts.spaces[Space.initial].crypto.close();
  }

  #onParameters(data: Uint8Array): void {
    const parts = this.#parts;
    const peer = parseTransportParameters(data, parts.isServer ? 'client' : 'server');
    authenticateCids(peer, this.#peerScid ?? new Uint8Array(), parts.isServer ? undefined : this.#cids);
    checkVersions(peer.versionInformation, parts.isServer, parts.originalVersion, parts.version);
    if (this.#begunAnew) {
      checkGenuine(peer.versionInformation, parts.config.versions, parts.originalVersion, parts.version);
    }
    this.#peer = peer;
    parts.firstByte.peerGreases = peer.greaseQuicBit;
    if (peer.statelessResetToken !== undefined) parts.peerCids.setInitialToken(peer.statelessResetToken);
    if (peer.preferredAddress !== undefined) {
      const { connectionId, statelessResetToken } = peer.preferredAddress;
      parts.peerCids.addPreferred(connectionId, statelessResetToken);
    }
    parts.recovery.setPeerMaxAckDelay(peer.maxAckDelayMs * 1000);
    parts.ackRequests.setPeer(peer.maxAckDelayMs * 1000, peer.minAckDelayUs);
    parts.recovery.setPeerDatagramLimit(peer.maxUdpPayloadSize);
    parts.idle.setPeerTimeout(peer.maxIdleTimeoutMs * 1000);
    // A client that sent early data must know first whether it was taken.
    if (this.#remembered === undefined) parts.streams.setPeerLimits(limitsOf(peer), 'final');
  }

  #onComplete(event: Extract<TlsEvent, { type: 'complete' }>, now: TimeUs): void {
    const parts = this.#parts;
    const { alpn, resumed, earlyData, peerCertificate, ticketContext: context } = event;
    if (this.#peer === undefined) throw remoteError(0x16d, 'no transport parameters', 0x06);
    this.#complete = true;
    parts.spaces[Space.handshake].crypto.close();
    if (this.#remembered !== undefined) {
      if (earlyData === 'accepted') checkNotLower(this.#peer, this.#remembered);
      else {
        parts.streams.onEarlyDataRejected();
        parts.recovery.rejectEarlyData(now);
      }
      parts.streams.setPeerLimits(limitsOf(this.#peer), 'final');
    }
    if (!parts.isServer) parts.keys.discard(Level.earlyData);
    const info = {
      alpn,
      resumed,
      earlyData: this.#earlyDataDropped ? 'rejected' : earlyData,
      peerCertificate,
      ...(context !== undefined && { ticketData: ticketDataOf(context) }),
    } as const;
    parts.observer?.handshakeComplete(info, now);
    parts.sink.handshakeComplete(parts.connection, info);
    if (parts.isServer) {
      parts.control.sendHandshakeDone();
      this.confirm(now);
    }
  }

  /** RFC 9001 §4.1.2: a server when it is complete, a client when HANDSHAKE_DONE arrives. */
  confirm(now: TimeUs): void {
    if (this.#confirmed) return;
    const parts = this.#parts;
    this.#confirmed = true;
    parts.keys.confirm();
    this.discard(Level.initial, now);
    this.discard(Level.handshake, now);
    parts.keys.discard(Level.earlyData);
    // A client has nothing more to say to TLS (RFC 9001 §6: KeyUpdate is an error); a server has its tickets to give.
    if (parts.isServer && parts.config.keepsTls) this.#keepsTls = true;
    else if (parts.isServer) this.#tls.release();
    parts.recovery.onHandshakeConfirmed();
    // A client sends something that is acknowledged by that, a server has HANDSHAKE_DONE.
    if (!parts.isServer) this.#giveConnectionIds();
    parts.onConfirmed(now);
    parts.sink.handshakeConfirmed(parts.connection);
  }

  /** A 1-RTT packet was acknowledged: what a connection that is closed as soon as it is there has no use for begins. */
  onAcked(now: TimeUs): void {
    if (this.#lasts || !this.#confirmed) return;
    this.#lasts = true;
    if (this.#parts.isServer) this.#giveConnectionIds();
    this.#parts.recovery.mtu.start(now);
  }

  /** RFC 9000 §9: the peer has use for more than one once the handshake is confirmed. */
  #giveConnectionIds(): void {
    this.#parts.localCids.setPeerLimit(this.peer.activeConnectionIdLimit);
  }

  /** RFC 9001 §4.9 */
  discard(level: typeof Level.initial | typeof Level.handshake, now: TimeUs): void {
    const parts = this.#parts;
    if (parts.keys.isDiscarded(level)) return;
    parts.keys.discard(level);
    parts.recovery.discardSpace(SPACE_OF_LEVEL[level], now);
  }
}
