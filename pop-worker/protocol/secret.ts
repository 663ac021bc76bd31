/**
 * Zeros for a key. They lie outside of V8's heap, where collecting garbage would move them and leave copies behind: what is
 * written here is gone once it is filled with zeros.
 */
export const newSecret = (bytes: number): Uint8Array => new Uint8Array(new ArrayBuffer(bytes));

/** A copy of a key. The caller wipes its own. */
export const copySecret = (key: Uint8Array): Uint8Array => {
  const copy = newSecret(key.length);
  copy.set(key);
  return copy;
};
