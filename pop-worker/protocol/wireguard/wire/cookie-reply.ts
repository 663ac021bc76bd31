/** Cookie reply (paper §5.4.7): where its fields lie. Words are little-endian. */
export const COOKIE_REPLY_BYTES = 64;
export const COOKIE_REPLY = { receiver: 4, nonce: 8, cookie: 32 } as const;
export const COOKIE_BYTES = 16;
export const COOKIE_NONCE_BYTES = 24;
