import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { wireguardKey, wireguardKeyText } from '#model/wireguard.ts';

/** RFC 8410 §7: what stands before the 32 bytes of an X25519 private key in PKCS #8. */
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** A key pair as `wg` writes it. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

const fromJwk = (text: string | undefined): string => wireguardKeyText(Buffer.from(text ?? '', 'base64url'));

/** As `wg genkey` makes one, clamped (RFC 7748 §5). */
export const generateKeyPair = (): KeyPair => {
  const { d, x } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  const key = Buffer.from(d ?? '', 'base64url');
  key[0] = (key[0] as number) & 248;
  key[31] = ((key[31] as number) & 127) | 64;
  return { privateKey: wireguardKeyText(key), publicKey: fromJwk(x) };
};

/** As `wg genpsk` makes one. */
export const generatePresharedKey = (): string => wireguardKeyText(randomBytes(32));

/** @param text as `wg genkey` writes it @returns undefined when it is no key */
export const keyPairOf = (text: string): KeyPair | undefined => {
  const key = wireguardKey(text.trim());
  if (key === undefined) return undefined;
  const der = Buffer.concat([PKCS8_X25519, key]);
  const { x } = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({ format: 'jwk' });
  return { privateKey: text.trim(), publicKey: fromJwk(x) };
};
