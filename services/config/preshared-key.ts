import { CompactEncrypt, calculateJwkThumbprint, decodeProtectedHeader, importJWK } from 'jose';
import { wireguardKey } from '#model/wireguard.ts';

/** What is sealed: for whom a key is, so that it cannot be put beside another device. */
export interface SealedContent {
  readonly tenant: string;
  readonly device: string;
  /** 32 bytes in base64. */
  readonly key: string;
}

/** The public key as JWK (RFC 8037 §2). */
const jwkOf = (edgeKey: string) => ({
  ...{ kty: 'OKP', crv: 'X25519' },
  x: edgeKey.replaceAll('+', '-').replaceAll('/', '_').replace('=', ''),
});

/** @returns which of these public keys a preshared key is sealed to; '': none of them */
export const sealedTo = async (sealed: string, edgeKeys: readonly string[]): Promise<string> => {
  if (sealed === '') return '';
  const { kid } = decodeProtectedHeader(sealed);
  for (const key of edgeKeys) if (key !== '' && (await calculateJwkThumbprint(jwkOf(key))) === kid) return key;
  return '';
};

/**
 * Seals a preshared key so that only workers can read it: NATS, its disk and the API never have it in clear.
 *
 * @param edgeKey public key of the edge, 32 bytes in base64
 * @returns JWE (RFC 7516) in compact form, ECDH-ES with X25519 (RFC 8037 §3.2) and AES-256-GCM; `kid` is the thumbprint (RFC
 *   7638) of the key
 */
export const sealPresharedKey = async (edgeKey: string, content: SealedContent): Promise<string> => {
  if (wireguardKey(edgeKey) === undefined) throw new RangeError('not a public key of WireGuard');
  const jwk = jwkOf(edgeKey);
  const text = new TextEncoder().encode(JSON.stringify(content));
  return new CompactEncrypt(text)
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', kid: await calculateJwkThumbprint(jwk) })
    .encrypt(await importJWK(jwk, 'ECDH-ES'));
};
