declare const kind: unique symbol;
export type SealerHandle = { readonly [kind]: 'sealer' };
export type BlockCipherHandle = { readonly [kind]: 'block-cipher' };
export type OpenerHandle = { readonly [kind]: 'opener' };

/** Packet protection and key derivation (`native/{sealer,opener,quic-crypto}.c`); wrong sizes throw RangeError. */
export interface CryptoNative {
  sealerNew(): SealerHandle;
  /** Gives it keys, in place of those that it has. Without keys it throws `ERR_CLOSED` where it is used. */
  sealerOpen(sealer: SealerHandle, version: number, suite: number, secret: Uint8Array): void;
  sealerSeal(
    sealer: SealerHandle,
    buffer: Uint8Array,
    descriptors: Int32Array,
    packetNumbers: Float64Array,
    count: number,
  ): void;
  sealerUpdate(sealer: SealerHandle): void;
  /** Wipes and frees its keys; may be called twice. */
  sealerClose(sealer: SealerHandle): void;

  openerNew(): OpenerHandle;
  /** Gives it keys, in place of those that it has. Without keys it throws `ERR_CLOSED` where it is used. */
  openerOpen(opener: OpenerHandle, version: number, suite: number, secret: Uint8Array): void;
  openerRun(
    opener: OpenerHandle,
    buffer: Uint8Array,
    descriptors: Int32Array,
    packetNumbers: Float64Array,
    count: number,
    largest: number,
  ): number;
  openerUpdate(opener: OpenerHandle, firstPacket: number): void;
  openerDropPrevious(opener: OpenerHandle): void;
  /** Wipes and frees its keys; may be called twice. */
  openerClose(opener: OpenerHandle): void;

  /** @param out is given the client's secret and the server's, 32 bytes each */
  quicInitialSecrets(version: number, destinationCid: Uint8Array, out: Uint8Array): void;
  /** @param out is given 16 bytes */
  quicRetryTag(version: number, pseudoPacket: Uint8Array, out: Uint8Array): void;
  /** @param out is given 16 bytes */
  quicResetToken(key: Uint8Array, cid: Uint8Array, out: Uint8Array): void;
  /** @param key 32 bytes @param out room for 28 bytes more than `plain` @returns bytes of the token */
  tokenSeal(key: Uint8Array, plain: Uint8Array, associated: Uint8Array, out: Uint8Array): number;
  tokenOpen(key: Uint8Array, token: Uint8Array, associated: Uint8Array): Uint8Array | undefined;
  bytesEqual(a: Uint8Array, b: Uint8Array): boolean;
  /** AES-128 (`native/block-cipher.c`). @param key 16 bytes */
  blockCipherNew(key: Uint8Array): BlockCipherHandle;
  /** Of the 16 bytes at `at`, in place. */
  blockCipherEncrypt(cipher: BlockCipherHandle, buffer: Uint8Array, at: number): void;
  blockCipherDecrypt(cipher: BlockCipherHandle, buffer: Uint8Array, at: number): void;
  /** HKDF-Expand-Label (RFC 8446 §7.1). @param label without "tls13 " */
  hkdfExpandLabel(suite: number, secret: Uint8Array, label: string, context: Uint8Array, length: number): Uint8Array;
  /** TLS-Exporter (RFC 8446 §7.5) of an exporter master secret. */
  tlsExporterOf(suite: number, secret: Uint8Array, label: string, context: Uint8Array, length: number): Uint8Array;
}

export type TlsContextHandle = { readonly [kind]: 'tls-context' };
export type TlsSessionHandle = { readonly [kind]: 'tls-session' };
export type TlsDeskHandle = { readonly [kind]: 'tls-desk' };

/** Words that `tlsDeskTake` writes for a session, and what the second one may be. */
export const DESK_WORDS = 4;
export const DeskTaken = { done: 0, asks: 1 } as const;

/**
 * TLS 1.3 for QUIC (`native/tls-….c`). Configuration that OpenSSL refuses throws an Error with code
 * `ERR_TLS_CONFIGURATION` and OpenSSL's reason.
 */
export interface TlsNative {
  tlsContextNew(server: boolean): TlsContextHandle;
  tlsContextIdentity(context: TlsContextHandle, certificateChainPem: Uint8Array, privateKeyPem: Uint8Array): void;
  /** @param mode 0: the peer's certificate is not asked for, 1: checked if there is one, 2: required */
  tlsContextTrust(context: TlsContextHandle, trustAnchorsPem: Uint8Array, mode: number): void;
  /** @param pins SHA-256 digests of SubjectPublicKeyInfo, one behind the other */
  tlsContextPins(context: TlsContextHandle, pins: Uint8Array): void;
  /** Empty texts keep what is there. @param alpn in wire form (RFC 7301 §3.1) */
  tlsContextOffer(context: TlsContextHandle, alpn: Uint8Array, groups: string, suites: string): void;
  /** @param keys 80 bytes each; the first one seals, all open */
  tlsContextTicketKeys(context: TlsContextHandle, keys: Uint8Array): void;
  tlsContextSession(
    context: TlsContextHandle,
    tickets: number,
    ticketLifetimeSeconds: number,
    earlyData: boolean,
    keyLog: boolean,
  ): void;

  tlsServerNew(context: TlsContextHandle, transportParameters: Uint8Array): TlsSessionHandle;
  tlsClientNew(
    context: TlsContextHandle,
    serverName: string,
    alpn: Uint8Array,
    transportParameters: Uint8Array,
    ticket: Uint8Array,
    earlyData: boolean,
  ): TlsSessionHandle;
  /** @returns packed events (see `events.ts`), undefined when there are none */
  tlsReceive(
    session: TlsSessionHandle,
    level: number,
    data: Uint8Array,
    acceptEarlyData: ((ticketData: Uint8Array) => boolean) | undefined,
  ): Uint8Array | undefined;
  /**
   * Hands the session over to a handshake thread, with bytes of a level. Until the desk gives it back only `tlsClose`,
   * `tlsExporter` and, when it asks, `tlsAsked` and `tlsAnswer` may be called for it.
   *
   * @returns false: it has nothing to do there, and `tlsReceive` answers at once
   */
  tlsHandOver(session: TlsSessionHandle, level: number, data: Uint8Array, desk: TlsDeskHandle, id: number): boolean;
  /** As `tlsReceive` returns them, once the desk has given the session back. */
  tlsEvents(session: TlsSessionHandle): Uint8Array | undefined;
  /** Serial and data of the ticket of the early data that a handshake thread asks about; it waits for the answer. */
  tlsAsked(session: TlsSessionHandle): Uint8Array;
  tlsAnswer(session: TlsSessionHandle, accept: boolean): void;
  /** @param threads of the process, 1 to 64; the desk that wants most decides. They last as long as the process. */
  tlsDeskOpen(threads: number): TlsDeskHandle;
  /** An eventfd that counts when sessions are back or ask. */
  tlsDeskDescriptor(desk: TlsDeskHandle): number;
  /**
   * Writes the sessions that are back, or ask, as far as there is room: id, `DeskTaken`, microseconds that it waited for a
   * thread, and that the thread was at it.
   *
   * @returns how many; fewer than there is room for: no more now
   */
  tlsDeskTake(desk: TlsDeskHandle, words: Int32Array): number;
  /** Sessions of all desks of the process that no thread has taken up yet. */
  tlsDeskWaiting(): number;
  tlsDeskClose(desk: TlsDeskHandle): void;
  /** @param scope bytes of `data` that a ticket must begin with as well to be taken */
  tlsTicketData(session: TlsSessionHandle, data: Uint8Array, scope: number): void;
  tlsIssueTicket(session: TlsSessionHandle): Uint8Array | undefined;
  tlsExporter(session: TlsSessionHandle, label: string, context: Uint8Array, length: number): Uint8Array;
  tlsRelease(session: TlsSessionHandle): void;
  tlsClose(session: TlsSessionHandle): void;
}
