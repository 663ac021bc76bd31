/** Our own static key, kept by the port. */
export interface Identity {
  readonly publicKey: Uint8Array;
  /** Wipes the private key; the identity is not used any more. */
  forget(): void;
}

/** What the port holds of a peer: its public key with all that follows from it and one of ours alone (static-static, §5.4.2). */
export interface PeerKeys {
  /** Ours. */
  readonly identity: Identity;
  readonly publicKey: Uint8Array;
  /** Of mac1 in what goes to it, and of the cookies that come from it (§5.4.4, §5.4.7). */
  readonly mac1Key: Uint8Array;
  readonly cookieKey: Uint8Array;
  /** 32 bytes; all zero is none. Handshakes that are under way go on with the new one. */
  setPresharedKey(key: Uint8Array): void;
  forget(): void;
}

/** A handshake under way: chaining key, hash, ephemeral key. */
export interface Handshake {
  /** Wipes it. `respond` and `readResponse` do so themselves where they succeed. */
  forget(): void;
}

/** An initiation whose sender is known but not believed yet. */
export interface Received extends Handshake {
  readonly publicKey: Uint8Array;
}

/** Keys of a session, by the numbers that `TransportPort` knows them by. */
export interface SessionKeys {
  readonly send: number;
  readonly receive: number;
}

/**
 * Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s by whole messages (paper §5.4). Each writes or reads the fields of the
 * handshake; type, indices and macs are the core's. Nothing throws on what a peer sent.
 */
export interface HandshakePort {
  /** @throws RangeError unless the key has 32 bytes */
  identity(privateKey: Uint8Array): Identity;
  /** @returns undefined when the public key is none (of low order): every secret with it would be zero */
  peer(identity: Identity, publicKey: Uint8Array): PeerKeys | undefined;
  /** The same peer, with its preshared key, for another identity of ours; one Diffie-Hellman. What there was stays. */
  alike(peer: PeerKeys, identity: Identity): PeerKeys;
  /** Writes an initiation's ephemeral, static and timestamp. @param timestamp 12 bytes */
  initiate(peer: PeerKeys, timestamp: Uint8Array, into: Uint8Array, at: number): Handshake;
  /** One Diffie-Hellman: who says that it sent this initiation. */
  readInitiation(identity: Identity, bytes: Uint8Array, at: number): Received | undefined;
  /** Writes its 12 bytes of timestamp; no Diffie-Hellman. @returns whether it is authentic */
  readTimestamp(received: Received, peer: PeerKeys, bytes: Uint8Array, at: number, into: Uint8Array): boolean;
  /** Writes the response's ephemeral and empty. */
  respond(received: Received, peer: PeerKeys, into: Uint8Array, at: number): SessionKeys | undefined;
  /** The handshake stays as it was unless the response is authentic. */
  readResponse(handshake: Handshake, peer: PeerKeys, bytes: Uint8Array, at: number): SessionKeys | undefined;
}

/**
 * Words of one packet for `TransportPort.seal`: key, the peer's index for the session, counter; the packet's offset and bytes;
 * where its first message begins; what is left to be done about checksum and segments, as a TUN hands it over (offsets are
 * from the packet's first byte but the field's, which is from where the checksum begins).
 */
export const SEAL_WORDS = 12;
export const S_KEY = 0;
export const S_RECEIVER = 1;
export const S_COUNTER_LOW = 2;
export const S_COUNTER_HIGH = 3;
export const S_FROM = 4;
export const S_LENGTH = 5;
export const S_INTO = 6;
export const S_FLAGS = 7;
/** Where the TCP or UDP header, or else the checksum, begins. */
export const S_UPPER = 8;
export const S_CHECKSUM = 9;
/** Bytes of all headers, which each segment has. */
export const S_HEADER = 10;
/** Bytes of content of each segment but the last; 0: it is not cut. */
export const S_SEGMENT = 11;
export const SealFlag = { checksum: 1, tcp: 2 } as const;

/** Words of one message for `TransportPort.open`: key, offset of the message, its content's bytes without tag, counter, outcome. */
export const JOB_WORDS = 6;
export const J_KEY = 0;
export const J_OFFSET = 1;
export const J_LENGTH = 2;
export const J_COUNTER_LOW = 3;
export const J_COUNTER_HIGH = 4;
/** Written by `open`: 1 authentic, 0 not. */
export const J_OUTCOME = 5;

/** ChaCha20-Poly1305 of transport messages, a batch a call. */
export interface TransportPort {
  /**
   * Makes messages of packets: header, content, padding below the MTU, tag. One that is cut becomes as many as it has
   * segments, which lie behind each other and whose counters follow.
   *
   * @param into may be `from`, where a packet lies 16 bytes behind its message
   */
  seal(from: Uint8Array, into: Uint8Array, jobs: Uint32Array, count: number, mtu: number): void;
  /** In place; the content lies 16 bytes behind the offset. What is not authentic stays as it came. */
  open(buffer: Uint8Array, jobs: Uint32Array, count: number): void;
  /** Wipes a key. Its number may be given again. */
  forget(key: number): void;
}

/** Macs and cookies. */
export interface MacPort {
  /** BLAKE2s with a key of up to 32 bytes and 16 bytes of output. */
  mac(key: Uint8Array, bytes: Uint8Array, at: number, length: number, into: Uint8Array, intoAt: number): void;
  /** Key of macs or cookies of who has this public key: BLAKE2s of the label and it. */
  labelled(label: 'mac1----' | 'cookie--', publicKey: Uint8Array): Uint8Array;
  /** XChaCha20-Poly1305: writes 32 bytes. */
  sealCookie(key: Uint8Array, nonce: Uint8Array, cookie: Uint8Array, mac1: Uint8Array, into: Uint8Array): void;
  /** @returns the cookie's 16 bytes, or undefined when it is not authentic */
  openCookie(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, mac1: Uint8Array): Uint8Array | undefined;
}

export interface WireGuardPorts {
  readonly handshake: HandshakePort;
  readonly transport: TransportPort;
  readonly mac: MacPort;
}
