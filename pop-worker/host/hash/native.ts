/** `hashDigest`'s kinds; `native/hash.c` has the same order. */
export const HashKind = { md5: 0, sha1: 1 } as const;

export interface HashNative {
  /**
   * Writes the hash of `length` bytes from `at` on; they may overlap.
   *
   * @param kind one of HashKind
   */
  hashDigest(kind: number, bytes: Uint8Array, at: number, length: number, into: Uint8Array, intoAt: number): void;
}
