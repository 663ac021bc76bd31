import type { MacPort } from '#protocol/wireguard/ports.ts';
import { blake2s } from './blake2s.ts';
import { openX, sealX } from './xchacha.ts';

/** Key of macs to, or of cookies from, who has this public key (paper §5.4.4, §5.4.7). */
export const labelled = (label: 'mac1----' | 'cookie--', publicKey: Uint8Array): Uint8Array => {
  const bytes = Buffer.concat([Buffer.from(label), publicKey]);
  const key = new Uint8Array(32);
  blake2s(undefined, bytes, 0, bytes.length, key, 0, key.length);
  return key;
};

export const nodeMac: MacPort = {
  mac: (key, bytes, at, length, into, intoAt) => blake2s(key, bytes, at, length, into, intoAt, 16),
  labelled,
  sealCookie: (key, nonce, cookie, mac1, into) => into.set(sealX(key, nonce, cookie, mac1)),
  openCookie: openX,
};
