import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';

export const KEY_BYTES = 32;
/** All of a DER PrivateKeyInfo and SubjectPublicKeyInfo but the key itself (RFC 8410 §4, §7). */
const PRIVATE_HEAD = Buffer.from('302e020100300506032b656e04220420', 'hex');
const PUBLIC_HEAD = Buffer.from('302a300506032b656e032100', 'hex');

/** @throws RangeError unless it has 32 bytes */
export const privateKeyOf = (bytes: Uint8Array): KeyObject => {
  if (bytes.length !== KEY_BYTES) throw new RangeError(`A private key has 32 bytes, this has ${bytes.length}.`);
  const der = Buffer.concat([PRIVATE_HEAD, bytes]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return key;
};

/** @throws RangeError unless it has 32 bytes */
export const publicKeyOf = (bytes: Uint8Array): KeyObject => {
  if (bytes.length !== KEY_BYTES) throw new RangeError(`A public key has 32 bytes, this has ${bytes.length}.`);
  return createPublicKey({ key: Buffer.concat([PUBLIC_HEAD, bytes]), format: 'der', type: 'spki' });
};

export const rawPublicKey = (key: KeyObject): Uint8Array =>
  new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(PUBLIC_HEAD.length));

/** A new key pair for one handshake. */
export const newEphemeral = (): { privateKey: KeyObject; publicKey: Uint8Array } => {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const der = publicKey.export({ format: 'der', type: 'spki' });
  return { privateKey, publicKey: new Uint8Array(der.subarray(PUBLIC_HEAD.length)) };
};

/** @returns undefined where the public key is of low order, so that the secret would be zero (RFC 7748 §6.1) */
export const sharedSecret = (privateKey: KeyObject, publicKey: KeyObject): Uint8Array | undefined => {
  try {
    return diffieHellman({ privateKey, publicKey });
  } catch {
    return undefined;
  }
};
