/** Handshake response (paper §5.4.3): where its fields lie. Words are little-endian. */
export const RESPONSE_BYTES = 92;
export const RESPONSE = {
  sender: 4,
  receiver: 8,
  ephemeral: 12,
  /** Nothing, sealed. */
  empty: 44,
  mac1: 60,
  mac2: 76,
} as const;
