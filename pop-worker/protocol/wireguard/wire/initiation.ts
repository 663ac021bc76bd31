/** Handshake initiation (paper §5.4.2): where its fields lie. Words are little-endian. */
export const INITIATION_BYTES = 148;
export const INITIATION = {
  sender: 4,
  ephemeral: 8,
  /** The static key, sealed. */
  static: 40,
  /** The TAI64N label, sealed. */
  timestamp: 88,
  mac1: 116,
  mac2: 132,
} as const;
