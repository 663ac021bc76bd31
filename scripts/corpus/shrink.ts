/**
 * A shorter input for which the same holds: pieces are left out, then bytes made 0, as long as that helps.
 *
 * @param attempts how often `holds` is asked at most
 */
export const shrink = (input: Uint8Array, holds: (bytes: Uint8Array) => boolean, attempts = 2000): Uint8Array => {
  let best = input;
  let left = attempts;
  const better = (bytes: Uint8Array): boolean => {
    if (left-- <= 0 || !holds(bytes)) return false;
    best = bytes;
    return true;
  };
  for (let size = best.length; size >= 1 && left > 0; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.length && left > 0; ) {
      const without = Uint8Array.from([...best.subarray(0, at), ...best.subarray(at + size)]);
      if (!better(without)) at += size;
    }
  }
  for (let at = 0; at < best.length && left > 0; at++) {
    if (best[at] !== 0) better(best.with(at, 0));
  }
  return best;
};
