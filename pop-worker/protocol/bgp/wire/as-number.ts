/** Stands for AS numbers that do not fit two bytes (RFC 6793 §9). */
export const AS_TRANS = 23_456;

/** How an AS number is written in two bytes (RFC 6793 §4.2.2). */
export const shortAs = (as: number): number => (as > 0xffff ? AS_TRANS : as);
