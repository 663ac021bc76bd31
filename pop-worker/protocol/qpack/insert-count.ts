/** The Required Insert Count as it is sent (RFC 9204 §4.5.1.1). @param maxEntries of the decoder's maximum capacity */
export const encodeInsertCount = (required: number, maxEntries: number): number =>
  required === 0 ? 0 : (required % (2 * maxEntries)) + 1;

/**
 * The way back (RFC 9204 §4.5.1.1).
 *
 * @param inserted entries that have been inserted so far
 * @returns -1 for what no encoder can have sent
 */
export const decodeInsertCount = (encoded: number, maxEntries: number, inserted: number): number => {
  if (encoded === 0) return 0;
  const range = 2 * maxEntries;
  if (encoded > range) return -1;
  const most = inserted + maxEntries;
  let required = Math.floor(most / range) * range + encoded - 1;
  if (required > most) {
    if (required <= range) return -1;
    required -= range;
  }
  return required === 0 ? -1 : required;
};
