/**
 * What a peer addresses us by: 24 bits of its number and 8 of a generation. Every worker of the fleet finds the peer by it,
 * with no table and without keys, even where another worker made the session.
 */
export const receiverIndex = (peer: number, generation: number): number => ((peer << 8) | (generation & 0xff)) >>> 0;

export const peerOf = (index: number): number => index >>> 8;

/**
 * The next generation of a peer whose sessions and handshake have some of them already: one that none of these has,
 * counted on from the last, so that what is late of an old session is not taken for the new one's.
 *
 * @param inUse indices
 */
export const nextIndex = (last: number, inUse: readonly (number | undefined)[]): number => {
  let index = last;
  do index = receiverIndex(peerOf(index), index + 1);
  while (inUse.includes(index));
  return index;
};
