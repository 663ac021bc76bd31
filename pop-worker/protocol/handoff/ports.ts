import type { PacketOpener, PacketSealer } from '#protocol/quic/ports.ts';

/** Packet protection of one direction, by AEAD_AES_128_GCM and header protection as QUIC version 1 has them (RFC 9001 §5). */
export interface HandoffCrypto {
  sealer(secret: Uint8Array): PacketSealer;
  opener(secret: Uint8Array): PacketOpener;
  /** HKDF-Expand-Label with SHA-256 (RFC 8446 §7.1). @param secret 32 bytes @returns 32 bytes */
  expandLabel(secret: Uint8Array, label: string, context: Uint8Array): Uint8Array;
}

/** One end of a direction: a data-plane thread of a worker. */
export interface Place {
  /** 0 to 65535. */
  readonly worker: number;
  /** 0 to 63. */
  readonly thread: number;
}
