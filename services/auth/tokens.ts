import { importJWK, type JWTPayload, errors as joseErrors, jwtVerify, SignJWT } from 'jose';
import { CLOCK_TOLERANCE } from '#model/claims.ts';
import type { SigningKey } from '#services/store/signing-keys.ts';

/** Signs and reads the issuer's own access tokens, for what the provider does not do itself. */
export interface TokenKeys {
  readonly issuer: string;
  readonly project: string;
  readonly keys: readonly SigningKey[];
}

/** An access token as JWT (RFC 9068 §2). */
export const signAccessToken = async (
  { issuer, project, keys }: TokenKeys,
  subject: string,
  claims: JWTPayload,
  lifetimeSeconds: number,
): Promise<string> => {
  const signing = keys.find(({ alg, signs }) => alg === 'RS256' && signs);
  if (signing === undefined) throw new RangeError('no key signs');
  return new SignJWT({ client_id: subject, ...claims })
    .setProtectedHeader({ alg: signing.alg, kid: signing.kid, typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience(project)
    .setSubject(subject)
    .setJti(crypto.randomUUID())
    .setIssuedAt()
    .setExpirationTime(`${lifetimeSeconds}s`)
    .sign(signing.key);
};

/** @returns the claims of an access token of this issuer, undefined when it is none or not valid any more */
export const readAccessToken = async (
  { issuer, project, keys }: TokenKeys,
  token: string,
): Promise<JWTPayload | undefined> => {
  try {
    const { payload } = await jwtVerify(
      token,
      async ({ kid }) => {
        const found = keys.find((key) => key.kid === kid);
        if (found === undefined) throw new joseErrors.JWKSNoMatchingKey();
        const { kty, n, e, crv, x, y } = found.privateJwk;
        const bare = kty === 'RSA' ? { kty, n, e } : { kty, crv, x, y };
        return importJWK(JSON.parse(JSON.stringify(bare)), found.alg);
      },
      { issuer, audience: project, typ: 'at+jwt', algorithms: ['RS256', 'ES256'], clockTolerance: CLOCK_TOLERANCE },
    );
    return payload;
  } catch (error) {
    if (error instanceof joseErrors.JOSEError) return undefined;
    throw error;
  }
};
