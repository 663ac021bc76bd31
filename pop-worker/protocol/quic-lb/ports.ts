/** AES-128 in ECB mode, one block at a time, in place (§5.4). */
export interface BlockCipher {
  /** Of the 16 bytes at `at`. */
  encrypt(buffer: Uint8Array, at: number): void;
  decrypt(buffer: Uint8Array, at: number): void;
}

/** @param key 16 bytes */
export type MakeBlockCipher = (key: Uint8Array) => BlockCipher;
