import type { TimeUs } from '../contract.ts';

/**
 * What the QUIC core needs from outside: packet protection and TLS. The PoP and the client give it OpenSSL through the
 * packet engine; the simulator gives it deterministic ones.
 */

/** TLS 1.3 cipher suites that QUIC may use (RFC 9001 §5.3; CCM is not offered). */
export const CipherSuite = {
  aes128Gcm: 0x1301,
  aes256Gcm: 0x1302,
  chacha20Poly1305: 0x1303,
} as const;
export type CipherSuite = (typeof CipherSuite)[keyof typeof CipherSuite];

/** Encryption levels in the order of RFC 9001 §4.1.4; the numbers are ours and OpenSSL's. */
export const Level = { initial: 0, earlyData: 1, handshake: 2, oneRtt: 3 } as const;
export type Level = (typeof Level)[keyof typeof Level];

/** Bytes that every AEAD of QUIC adds (RFC 9001 §5.3). */
export const TAG_BYTES = 16;

/** Words of a descriptor that `seal` and `open` take for each packet. */
export const PACKET_WORDS = 4;

/** Outcomes that `open` writes to word 3 of a descriptor; 0 and above: authentic, and under which key phase. */
export const OpenOutcome = {
  current: 0,
  next: 1,
  previous: 2,
  forged: -1,
  tooShort: -2,
} as const;

/** Protects packets of one direction (RFC 9001 §5). */
export interface PacketSealer {
  readonly suite: CipherSuite;
  /**
   * Seals packets in place. Descriptor i (words 4i…): 0 offset of the first header byte, 1 header length with the packet
   * number (whose length is in the header's low two bits), 2 payload length without tag, 3 unused. The 16-byte tag is
   * written behind the payload, then the header is protected.
   *
   * @param packetNumbers the full packet number of each, exact integers
   */
  seal(buffer: Uint8Array, descriptors: Int32Array, packetNumbers: Float64Array, count: number): void;
  /** Moves to the next key phase (RFC 9001 §6.1); header protection stays. */
  update(): void;
  /** Forgets its keys at once; it is not used any more. */
  close(): void;
}

/** Removes protection from packets of one direction. */
export interface PacketOpener {
  readonly suite: CipherSuite;
  /**
   * Opens packets in place. Descriptor i: 0 offset of the first header byte, 1 bytes before the packet number,
   * 2 length of the whole packet with tag, 3 the outcome (written). On success word 1 becomes the header length with the
   * packet number and word 2 the payload length, `packetNumbers[i]` the full number (RFC 9000 §A.3). A short header's
   * key phase bit that differs from the current phase is tried with the previous keys when the number is below the
   * first one of the current phase and they are still held, else with the next keys.
   *
   * @param largest the largest packet number authenticated so far in this space, -1 for none
   * @returns how many were authentic
   */
  open(
    buffer: Uint8Array,
    descriptors: Int32Array,
    packetNumbers: Float64Array,
    count: number,
    largest: number,
  ): number;
  /** The next keys become current, the current previous. @param firstPacket lowest number seen in the new phase */
  update(firstPacket: number): void;
  /** Forgets the previous keys (RFC 9001 §6.5). */
  dropPrevious(): void;
  /** Forgets its keys at once; it is not used any more. */
  close(): void;
}

export interface CryptoPort {
  /** Secrets that protect Initial packets (RFC 9001 §5.2, RFC 9369 §3.3.1). */
  initialSecrets(version: number, destinationCid: Uint8Array): { client: Uint8Array; server: Uint8Array };
  sealer(version: number, suite: CipherSuite, secret: Uint8Array): PacketSealer;
  opener(version: number, suite: CipherSuite, secret: Uint8Array): PacketOpener;
  /** The 16-byte tag over a Retry pseudo-packet (RFC 9001 §5.8). */
  retryTag(version: number, pseudoPacket: Uint8Array): Uint8Array;
  /** 16 bytes derived from a static key and a connection ID (RFC 9000 §10.3.2). */
  resetToken(key: Uint8Array, cid: Uint8Array): Uint8Array;
  /** Seals an address validation token; the result may be of any length (RFC 9000 §8.1.4). */
  sealToken(key: Uint8Array, plain: Uint8Array, associated: Uint8Array): Uint8Array;
  /** @returns undefined when it is not authentic */
  openToken(key: Uint8Array, token: Uint8Array, associated: Uint8Array): Uint8Array | undefined;
  equal(a: Uint8Array, b: Uint8Array): boolean;
}

export type EarlyData = 'none' | 'accepted' | 'rejected';

/** What a TLS session has to say, in the order in which it must be acted on. */
export type TlsEvent =
  | { readonly type: 'crypto'; readonly level: Level; readonly data: Uint8Array }
  | {
      readonly type: 'secret';
      readonly level: Level;
      readonly direction: 'read' | 'write';
      readonly suite: CipherSuite;
      readonly secret: Uint8Array;
    }
  | { readonly type: 'transport-parameters'; readonly data: Uint8Array }
  /** `violation`: QUIC has an error of its own for it, PROTOCOL_VIOLATION (RFC 9001 §4.1.3, §4.6.1). */
  | { readonly type: 'alert'; readonly code: number; readonly reason: string; readonly violation?: boolean }
  /** A resumption ticket, opaque to QUIC (client only). */
  | { readonly type: 'ticket'; readonly data: Uint8Array }
  | {
      readonly type: 'complete';
      readonly alpn: string;
      readonly resumed: boolean;
      readonly earlyData: EarlyData;
      /** DER of the peer's leaf certificate, if it sent one. */
      readonly peerCertificate: Uint8Array | undefined;
      /** A server's own context in the ticket by which the session was resumed (`TlsServerOptions.early`), if it was. */
      readonly ticketContext?: Uint8Array | undefined;
    };

/**
 * One handshake. It may run in another thread: `receive` then only hands bytes over, and events come later; when there are
 * some, the `ready` of its options is called.
 */
export interface TlsSession {
  /** CRYPTO bytes in order, one level at a time. */
  receive(level: Level, data: Uint8Array): void;
  next(): TlsEvent | undefined;
  /** Keying material (RFC 8446 §7.5); only after `complete`. */
  exporter(label: string, context: Uint8Array, length: number): Uint8Array;
  /** A server gives one more ticket, with this context in it: once the handshake is complete, and before `release`. */
  giveTicket(context: Uint8Array): void;
  /** The handshake is confirmed and nothing more is expected from the peer: only `exporter` goes on to work. */
  release(): void;
  close(): void;
}

export interface TlsClientOptions {
  readonly serverName: string;
  readonly alpn: readonly string[];
  /** Encoded transport parameters. */
  readonly transportParameters: Uint8Array;
  readonly ticket?: Uint8Array;
  readonly earlyData?: boolean;
}

export interface TlsServerOptions {
  readonly transportParameters: Uint8Array;
  /**
   * Goes into the tickets of this session, and is asked about what came in the ticket of early data. A ticket whose context
   * has other first `scope` bytes is not taken at all.
   */
  readonly early?: {
    readonly context: Uint8Array;
    readonly scope: number;
    readonly bears: (context: Uint8Array) => boolean;
  };
  /**
   * There are events that were not there when `receive` returned. Never called from inside of a call to the session; a port
   * whose sessions answer at once never calls it, and one that is not given it must answer at once.
   */
  readonly ready?: (now: TimeUs) => void;
}

/** Certificates, trust and ticket keys are configured where a port is made, not here. */
export interface TlsPort {
  /** How much waits to be done, as a share of what may: from a half on strangers must validate, from 1 on they are refused. */
  readonly load?: () => number;
  client(options: TlsClientOptions): TlsSession;
  server(options: TlsServerOptions): TlsSession;
}
