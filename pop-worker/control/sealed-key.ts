import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, compactDecrypt, decodeProtectedHeader } from 'jose';
import { wireguardKey, wireguardKeyText } from '#model/wireguard.ts';

/** RFC 8410 §7: what stands before the 32 bytes of an X25519 private key in PKCS #8. */
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** Why a preshared key cannot be used: sealed to another key, or what is sealed is not what it should be. */
export type SealedKeyFault = 'other_key' | 'preshared_key';

/** Opens preshared keys that the configuration service has sealed to a key of the edge (`services/config/preshared-key.ts`). */
export class SealedKeys {
  readonly #key: KeyObject;
  readonly #thumbprint: Promise<string>;
  /** Of the private key, as `wg pubkey` writes it. */
  readonly publicKey: string;

  /** @param privateKey 32 bytes; the caller wipes its own */
  constructor(privateKey: Uint8Array) {
    const der = Buffer.concat([PKCS8_X25519, privateKey]);
    this.#key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    der.fill(0);
    const { kty, crv, x } = createPublicKey(this.#key).export({ format: 'jwk' }) as Record<'kty' | 'crv' | 'x', string>;
    this.publicKey = wireguardKeyText(Buffer.from(x, 'base64url'));
    this.#thumbprint = calculateJwkThumbprint({ kty, crv, x });
  }

  /** @param sealed JWE in compact form @returns 32 bytes */
  async open(
    sealed: string,
    of: { readonly tenant: string; readonly device: string },
  ): Promise<Uint8Array | SealedKeyFault> {
    try {
      if (decodeProtectedHeader(sealed).kid !== (await this.#thumbprint)) return 'other_key';
      const { plaintext } = await compactDecrypt(sealed, this.#key, {
        keyManagementAlgorithms: ['ECDH-ES'],
        contentEncryptionAlgorithms: ['A256GCM'],
      });
      const { tenant, device, key } = JSON.parse(new TextDecoder().decode(plaintext)) as Record<string, unknown>;
      // The text of it goes when it is collected.
      plaintext.fill(0);
      const isTheirs = tenant === of.tenant && device === of.device;
      return (isTheirs && typeof key === 'string' ? wireguardKey(key) : undefined) ?? 'preshared_key';
    } catch {
      // Not by its words: they may be of what is sealed.
      return 'preshared_key';
    }
  }
}
