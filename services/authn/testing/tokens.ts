import { createLocalJWKSet, errors, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { type Caller, TokenError, type VerifyToken } from '../caller.ts';

export interface TestTokens {
  readonly verify: VerifyToken;
  sign(caller: {
    readonly subject: string;
    readonly roles: readonly string[];
    readonly organisation?: string;
  }): Promise<string>;
  /** Correct in everything but the key. */
  forge(): Promise<string>;
}

const ISSUER = 'https://identity.test';

/** Real tokens of an identity provider whose keys only this test has. */
export const createTestTokens = async (): Promise<TestTokens> => {
  const [own, foreign] = await Promise.all([generateKeyPair('EdDSA'), generateKeyPair('EdDSA')]);
  const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(own.publicKey)), kid: 'k1', alg: 'EdDSA' }] });
  const make = (payload: Record<string, unknown>) =>
    new SignJWT(payload)
      .setProtectedHeader({ alg: 'EdDSA', kid: 'k1' })
      .setIssuer(ISSUER)
      .setIssuedAt()
      .setExpirationTime('1h');
  return {
    verify: async (token): Promise<Caller> => {
      try {
        const { payload } = await jwtVerify<{ roles: string[]; org?: string }>(token, keys, { issuer: ISSUER });
        const roles = new Set(payload.roles);
        return { subject: payload.sub ?? '', roles, ...(payload.org !== undefined && { organisation: payload.org }) };
      } catch (error) {
        if (error instanceof errors.JOSEError) throw new TokenError('the access token is not valid', { cause: error });
        throw error;
      }
    },
    sign: ({ subject, roles, organisation }) =>
      make({ roles, org: organisation }).setSubject(subject).sign(own.privateKey),
    forge: () =>
      make({ roles: ['operator'] })
        .setSubject('mallory')
        .sign(foreign.privateKey),
  };
};
