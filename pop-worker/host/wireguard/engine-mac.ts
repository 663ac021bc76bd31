import { newSecret } from '#protocol/secret.ts';
import type { MacPort } from '#protocol/wireguard/ports.ts';
import { native } from '../native.ts';

const COOKIE_BYTES = 16;
const LABELS = {
  'mac1----': new TextEncoder().encode('mac1----'),
  'cookie--': new TextEncoder().encode('cookie--'),
} as const;

/** Macs and cookies by the packet engine. */
export const engineMac: MacPort = {
  mac: (key, bytes, at, length, into, intoAt) => native.wireguardMac(key, bytes, at, length, into, intoAt),
  labelled: (label, publicKey) => {
    const key = new Uint8Array(32);
    native.wireguardHash(LABELS[label], publicKey, key);
    return key;
  },
  sealCookie: (key, nonce, cookie, mac1, into) => native.wireguardSealCookie(key, nonce, cookie, mac1, into),
  openCookie: (key, nonce, sealed, mac1) => {
    const cookie = newSecret(COOKIE_BYTES);
    return native.wireguardOpenCookie(key, nonce, sealed, mac1, cookie) ? cookie : undefined;
  },
};
