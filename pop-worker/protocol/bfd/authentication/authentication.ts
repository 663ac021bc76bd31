/** Authentication of one session's packets, in both directions (RFC 5880 §6.7). */
export interface Authentication {
  /** Bytes of the section behind the mandatory one in what is sent. */
  readonly bytes: number;
  /**
   * Writes the section behind the mandatory one, which is complete.
   *
   * @param changed whether the packet differs from the one sent before in more than its P and F bits
   */
  seal(bytes: Uint8Array, at: number, changed: boolean): void;
  /**
   * @param length of the packet, from its Length field
   * @param detectMult from the packet
   * @returns whether the packet is to be accepted; a copy of it never is, with a meticulous type
   */
  open(bytes: Uint8Array, at: number, length: number, detectMult: number): boolean;
  /** Nothing was heard for twice the Detection Time: the peer may begin anew (bfd.AuthSeqKnown, §6.8.1). */
  forget(): void;
}

export type HashAlgorithm = 'md5' | 'sha1';

/** Hashing, handed in: a core has no cryptography of its own. */
export interface Hash {
  /** Writes the hash of `length` bytes from `at` on to `into` from `intoAt` on: 16 bytes of MD5, 20 of SHA1. */
  digest(
    algorithm: HashAlgorithm,
    bytes: Uint8Array,
    at: number,
    length: number,
    into: Uint8Array,
    intoAt: number,
  ): void;
}

/** A secret and the number by which packets name it. */
export interface Key {
  /** 0 to 255. */
  readonly id: number;
  readonly secret: Uint8Array;
}

/** Where the parts of a section lie, from its start on (RFC 5880 §4.2 to §4.4). */
export const A_TYPE = 0;
export const A_LENGTH = 1;
export const A_KEY = 2;

/** Compares in a time that does not tell where the first difference is. */
export const equal = (a: Uint8Array, aAt: number, b: Uint8Array, bAt: number, length: number): boolean => {
  let difference = 0;
  for (let i = 0; i < length; i++) difference |= (a[aAt + i] as number) ^ (b[bAt + i] as number);
  return difference === 0;
};

/** The key of that number, or undefined. */
export const keyOf = (keys: readonly Key[], id: number): Key | undefined => {
  for (const key of keys) if (key.id === id) return key;
  return undefined;
};
