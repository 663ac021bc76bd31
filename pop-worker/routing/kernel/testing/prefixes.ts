/** The i-th of many prefixes, as text. */
export const numbered = (i: number): string => `10.${(i >>> 16) & 255}.${(i >>> 8) & 255}.${i & 255}/32`;
