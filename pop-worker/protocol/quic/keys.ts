import { remoteError, TransportError } from './errors.ts';
import { KeyPhases } from './key-phases.ts';
import { CipherSuite, type CryptoPort, Level, OpenOutcome, type PacketOpener, type PacketSealer } from './ports.ts';

/** RFC 9001 §6.6: packets that one key of AES-GCM may protect. ChaCha20-Poly1305 has no limit that can be reached. */
const CONFIDENTIALITY_LIMIT = 2 ** 23;
/** …of which so many are left to say that the connection ends. */
export const CLOSING_PACKETS = 64;

/** RFC 9001 §6.6: forged packets that a connection may see. */
const integrityLimit = (suite: CipherSuite): number => (suite === CipherSuite.chacha20Poly1305 ? 2 ** 36 : 2 ** 52);

const NO_CID = new Uint8Array();

/** What protects Initial packets, as far as a server had to know it before it made the connection. */
export interface InitialKeys {
  readonly client: Uint8Array;
  readonly server: Uint8Array;
  /** Of what the client sends. Whoever takes it closes it. */
  readonly opener: PacketOpener;
}

/** Packet protection of every encryption level, and key updates of 1-RTT (RFC 9001 §5, §6). */
export class Keys {
  readonly #crypto: CryptoPort;
  readonly #isServer: boolean;
  readonly #sealers: (PacketSealer | undefined)[] = [undefined, undefined, undefined, undefined];
  readonly #openers: (PacketOpener | undefined)[] = [undefined, undefined, undefined, undefined];
  /** What Initial keys derive from, and the opener of a version that the connection may change to, or has changed from. */
  #initialCid = NO_CID;
  #otherVersion = 0;
  #otherOpener: PacketOpener | undefined;
  readonly #discarded = [false, false, false, false];
  /** Key updates so far; their lowest bit is the key phase. */
  #sendGeneration = 0;
  #receiveGeneration = 0;
  /** 1-RTT packets sealed under the present key. */
  #sealed = 0;
  /** The present key comes to its end, and the peer does not let us update it. */
  #exhausted = false;
  #forged = 0;
  /** Lowest packet number sent in the present phase, -1: nothing was sent yet. */
  #firstSent = -1;
  #acknowledged = false;
  #confirmed = false;
  #holdsPrevious = false;
  readonly #phases = new KeyPhases();

  constructor(crypto: CryptoPort, isServer: boolean) {
    this.#crypto = crypto;
    this.#isServer = isServer;
  }

  sealer(level: Level): PacketSealer | undefined {
    return this.#sealers[level];
  }

  opener(level: Level): PacketOpener | undefined {
    return this.#openers[level];
  }

  isDiscarded(level: Level): boolean {
    return this.#discarded[level] as boolean;
  }

  /** The key phase bit to send. */
  get phase(): boolean {
    return (this.#sendGeneration & 1) === 1;
  }

  /** Key updates that the peer made or answered. */
  get updates(): number {
    return this.#receiveGeneration;
  }

  /** Those of what we send; one more while the peer has not answered ours. */
  get sendUpdates(): number {
    return this.#sendGeneration;
  }

  /**
   * RFC 9001 §5.2: from the Destination Connection ID of the client's first Initial, or of its answer to Retry.
   *
   * @param known of a server's: what follows from it
   */
  installInitial(version: number, destinationCid: Uint8Array, known?: InitialKeys): void {
    this.#initialCid = destinationCid.slice();
    this.#otherOpener?.close();
    this.#otherOpener = undefined;
    const { client, server } = known ?? this.#crypto.initialSecrets(version, destinationCid);
    this.#install(version, Level.initial, 'write', CipherSuite.aes128Gcm, this.#isServer ? server : client);
    if (known !== undefined) this.#openers[Level.initial] = known.opener;
    else this.#install(version, Level.initial, 'read', CipherSuite.aes128Gcm, this.#isServer ? client : server);
  }

  /** Opens Initial packets of another version than the first one (RFC 9369 §4.1). */
  otherInitialOpener(version: number): PacketOpener | undefined {
    if (this.#discarded[Level.initial]) return undefined;
    if (this.#otherOpener === undefined || this.#otherVersion !== version) {
      this.#otherOpener?.close();
      const { client, server } = this.#crypto.initialSecrets(version, this.#initialCid);
      this.#otherOpener = this.#crypto.opener(version, CipherSuite.aes128Gcm, this.#isServer ? client : server);
      this.#otherVersion = version;
    }
    return this.#otherOpener;
  }

  /** Initial packets leave in this version from now on. Those of the first one are read until there are no Initial keys. */
  changeInitialVersion(version: number): void {
    const { client, server } = this.#crypto.initialSecrets(version, this.#initialCid);
    this.#install(version, Level.initial, 'write', CipherSuite.aes128Gcm, this.#isServer ? server : client);
  }

  install(version: number, level: Level, direction: 'read' | 'write', suite: CipherSuite, secret: Uint8Array): void {
    if (!this.#discarded[level]) this.#install(version, level, direction, suite, secret);
  }

  #install(version: number, level: Level, direction: 'read' | 'write', suite: CipherSuite, secret: Uint8Array): void {
    if (direction === 'read') {
      this.#openers[level]?.close();
      this.#openers[level] = this.#crypto.opener(version, suite, secret);
    } else {
      this.#sealers[level]?.close();
      this.#sealers[level] = this.#crypto.sealer(version, suite, secret);
    }
  }

  /** No packet of this level is sent or read any more (RFC 9001 §4.9). */
  discard(level: Level): void {
    this.#sealers[level]?.close();
    this.#openers[level]?.close();
    this.#sealers[level] = undefined;
    this.#openers[level] = undefined;
    this.#discarded[level] = true;
    if (level !== Level.initial) return;
    this.#initialCid = NO_CID;
    this.#otherOpener?.close();
    this.#otherOpener = undefined;
  }

  /** The connection is gone. */
  close(): void {
    for (const level of Object.values(Level)) this.discard(level);
  }

  /**
   * Packets are about to be sealed in 1-RTT.
   *
   * @param limit packets after which the key should be updated
   * @returns whether it should
   * @throws QuicError remote AEAD_LIMIT_REACHED; only CONNECTION_CLOSE may follow, and not for ever (RFC 9001 §6.6)
   */
  beforeSeal(firstPacket: number, count: number, limit: number): boolean {
    if (this.#firstSent < 0) this.#firstSent = firstPacket;
    const sealed = this.#sealed + count;
    if (sealed > limit && this.#suite !== CipherSuite.chacha20Poly1305) {
      if (sealed > CONFIDENTIALITY_LIMIT - (this.#exhausted ? 0 : CLOSING_PACKETS)) {
        this.#exhausted = true;
        throw remoteError(TransportError.aeadLimitReached, 'the peer does not let us update keys');
      }
    }
    this.#sealed = sealed;
    return sealed > limit;
  }

  /** The same of the other levels, whose packets are numbered from 0 under one key. @throws QuicError as above */
  beforeSealLong(packetNumber: number): void {
    if (packetNumber < CONFIDENTIALITY_LIMIT) return;
    throw remoteError(TransportError.aeadLimitReached, 'a handshake of too many packets');
  }

  get #suite(): CipherSuite | undefined {
    return this.#sealers[Level.oneRtt]?.suite;
  }

  /** Packets did not authenticate (RFC 9001 §6.6). */
  onForged(level: Level, count: number): void {
    this.#forged += count;
    const suite = this.#openers[level]?.suite ?? CipherSuite.aes128Gcm;
    if (this.#forged > integrityLimit(suite)) throw remoteError(TransportError.aeadLimitReached, 'too many forgeries');
  }

  /**
   * The peer acknowledged a 1-RTT packet, in a packet of the key phase that `outcome` tells (`OpenOutcome`).
   *
   * @throws QuicError remote when new keys are acknowledged under old ones (RFC 9001 §6.2)
   */
  onAcked(largest: number, outcome: number): void {
    if (this.#firstSent < 0 || largest < this.#firstSent) return;
    const later = outcome === OpenOutcome.next ? 1 : 0;
    const generation = this.#receiveGeneration + (outcome === OpenOutcome.previous ? -1 : later);
    if (generation < this.#sendGeneration) {
      throw remoteError(TransportError.keyUpdateError, 'new keys acknowledged under old ones');
    }
    this.#acknowledged = true;
  }

  /** The handshake is confirmed. */
  confirm(): void {
    this.#confirmed = true;
  }

  /**
   * RFC 9001 §6.1: not before the handshake is confirmed and a packet of this phase was acknowledged; §6.5: nor while
   * the keys before the present ones are kept.
   */
  get mayUpdate(): boolean {
    const acknowledged = this.#confirmed && this.#acknowledged;
    return acknowledged && this.#sendGeneration === this.#receiveGeneration && !this.#holdsPrevious;
  }

  /** Sends in the next key phase from now on; reading follows when the peer does (RFC 9001 §6.1). */
  update(): void {
    this.#sealers[Level.oneRtt]?.update();
    this.#sendGeneration++;
    this.#sealed = 0;
    this.#firstSent = -1;
    this.#acknowledged = false;
  }

  /**
   * A 1-RTT packet of this number is authentic under the keys that `outcome` tells.
   *
   * @throws QuicError remote KEY_UPDATE_ERROR when keys go back as numbers go on (RFC 9001 §6.4)
   */
  onOpened(packetNumber: number, outcome: number): void {
    this.#phases.onOpened(packetNumber, outcome);
  }

  /** A packet of the next phase was authentic: the peer updated, or answered our update (RFC 9001 §6.2). */
  onNextPhase(firstPacket: number): void {
    this.#openers[Level.oneRtt]?.update(firstPacket);
    this.#phases.advance();
    this.#receiveGeneration++;
    this.#holdsPrevious = true;
    if (this.#sendGeneration < this.#receiveGeneration) this.update();
  }

  get holdsPrevious(): boolean {
    return this.#holdsPrevious;
  }

  /** RFC 9001 §6.5: three times the PTO after a packet of the new phase arrived. */
  dropPrevious(): void {
    this.#holdsPrevious = false;
    this.#openers[Level.oneRtt]?.dropPrevious();
  }
}
