import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { wireguardKey, wireguardKeyText } from '#model/wireguard.ts';
import { InstallationError } from './errors.ts';
import { keep, readSecret } from './files.ts';

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

/** Names of the fleet's keys, in the folder of keys and in each worker's. */
export const WIREGUARD_KEY = 'wireguard.key';
export const PREVIOUS_WIREGUARD_KEY = 'wireguard-previous.key';

const pairIn = (bytes: Buffer, file: string): KeyPair => {
  const pair = keyPairOf(bytes.toString('latin1'));
  if (pair !== undefined) return pair;
  throw new InstallationError(`${file} holds no key as \`wg genkey\` writes one: put it back from a backup`);
};

/**
 * Keys by which all workers serve WireGuard clients: made unless they are there.
 *
 * @param folder of keys
 * @returns the present one, and the one before, where an operator has left that
 */
export const keepFleetKeys = async (
  folder: string,
): Promise<{ readonly newest: KeyPair; readonly previous: KeyPair | undefined }> => {
  const [file, previousFile] = [join(folder, WIREGUARD_KEY), join(folder, PREVIOUS_WIREGUARD_KEY)];
  const newest = pairIn(await keep(file, () => `${generateKeyPair().privateKey}\n`), file);
  const before = await readSecret(previousFile);
  return { newest, previous: before && pairIn(before, previousFile) };
};
