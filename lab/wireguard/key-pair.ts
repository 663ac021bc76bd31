import { generateKeyPairSync } from 'node:crypto';

/** A key pair as `wg` writes it: 32 bytes each, in base64. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

const base64 = (fromJwk: string | undefined): string => Buffer.from(fromJwk ?? '', 'base64url').toString('base64');

/** What `wg genkey` and `wg pubkey` would make. */
export const newKeyPair = (): KeyPair => {
  const { d, x } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  return { privateKey: base64(d), publicKey: base64(x) };
};
