import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export interface TestIssuer {
  /** Its URL. */
  readonly issuer: string;
  readonly project: string;
  sign(role: string, organisation?: string): Promise<string>;
  close(): void;
}

const PROJECT = 'cloudbridge';

/** An identity provider with one key, for those who ask it over HTTP. */
export const startIssuer = async (): Promise<TestIssuer> => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }];
  let at = '';
  const http = createServer((request, response) => {
    const metadata = { issuer: at, jwks_uri: `${at}/keys`, introspection_endpoint: `${at}/introspect` };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(request.url === '/keys' ? { keys } : metadata));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  at = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return {
    issuer: at,
    project: PROJECT,
    sign: (role, organisation = 'org-1') =>
      new SignJWT({ 'urn:zitadel:iam:org:project:roles': { [role]: { [organisation]: 'edge.test' } } })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
        .setIssuer(at)
        .setAudience(PROJECT)
        .setSubject(role)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey),
    close: () => void http.close(),
  };
};
