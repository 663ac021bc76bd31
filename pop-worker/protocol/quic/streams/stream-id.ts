/** RFC 9000 §2.1: bit 0 tells who initiated, bit 1 the directions. IDs may exceed 32 bits; their low bits do not. */
export const isServerInitiated = (id: number): boolean => (id & 1) === 1;
export const isUnidirectional = (id: number): boolean => (id & 2) === 2;
/** How many streams of its type came before it. */
export const streamIndex = (id: number): number => (id - (id & 3)) / 4;
export const streamId = (index: number, serverInitiated: boolean, unidirectional: boolean): number =>
  4 * index + (unidirectional ? 2 : 0) + (serverInitiated ? 1 : 0);
