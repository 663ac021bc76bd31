declare const kind: unique symbol;
export type SealerHandle = { readonly [kind]: 'sealer' };
export type OpenerHandle = { readonly [kind]: 'opener' };

/** Packet protection and key derivation (`native/{sealer,opener,quic-crypto}.c`); wrong sizes throw RangeError. */
export interface CryptoNative {
  sealerOpen(version: number, suite: number, secret: Uint8Array): SealerHandle;
  sealerSeal(
    sealer: SealerHandle,
    buffer: Uint8Array,
    descriptors: Int32Array,
    packetNumbers: Float64Array,
    count: number,
  ): void;
  sealerUpdate(sealer: SealerHandle): void;

  openerOpen(version: number, suite: number, secret: Uint8Array): OpenerHandle;
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

  /** @returns the client's secret and the server's, 32 bytes each */
  quicInitialSecrets(version: number, destinationCid: Uint8Array): Uint8Array;
  quicRetryTag(version: number, pseudoPacket: Uint8Array): Uint8Array;
  quicResetToken(key: Uint8Array, cid: Uint8Array): Uint8Array;
  /** @param key 32 bytes */
  tokenSeal(key: Uint8Array, plain: Uint8Array, associated: Uint8Array): Uint8Array;
  tokenOpen(key: Uint8Array, token: Uint8Array, associated: Uint8Array): Uint8Array | undefined;
  bytesEqual(a: Uint8Array, b: Uint8Array): boolean;
  /** HKDF-Expand-Label (RFC 8446 §7.1). @param label without "tls13 " */
  hkdfExpandLabel(suite: number, secret: Uint8Array, label: string, context: Uint8Array, length: number): Uint8Array;
  /** TLS-Exporter (RFC 8446 §7.5) of an exporter master secret. */
  tlsExporterOf(suite: number, secret: Uint8Array, label: string, context: Uint8Array, length: number): Uint8Array;
}
