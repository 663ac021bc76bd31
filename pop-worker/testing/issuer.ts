import { generateKeyPairSync } from 'node:crypto';
import { exportJWK, SignJWT } from 'jose';
import { POP_AUDIENCE } from '#model/claims.ts';

/** Who signs the tokens that a worker with `[static]` configuration admits by. */
export const ISSUER = 'https://token.test';
const KEY_ID = 'k1';

/** Whom a token is for. */
export interface DeviceIdentity {
  readonly tenant: string;
  readonly device: string;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly egress?: boolean;
  readonly expiresInSeconds?: number;
}

/** Signs tokens in place of the token service, with a key of its own. */
export class Issuer {
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  /** The file that `[static] jwks` names. */
  async jwks(): Promise<string> {
    const jwk = { ...(await exportJWK(this.#keys.publicKey)), kid: KEY_ID, alg: 'ES256' };
    return JSON.stringify({ keys: [jwk] });
  }

  token({ tenant, device, ipv4, ipv6, egress = true, expiresInSeconds = 600 }: DeviceIdentity): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ tenant, ipv4, ipv6, egress })
      .setProtectedHeader({ alg: 'ES256', kid: KEY_ID })
      .setIssuer(ISSUER)
      .setAudience(POP_AUDIENCE)
      .setSubject(device)
      .setJti(`token-of-${device}`)
      .setIssuedAt(now)
      .setExpirationTime(now + expiresInSeconds)
      .sign(this.#keys.privateKey);
  }
}
