/** Who gives tokens for a service, as it tells callers. */
export interface Authorization {
  /** Exactly as in the tokens' `iss`. */
  readonly issuer: string;
  /** Its project, which tokens must be for. */
  readonly project: string;
  /** Where callers reach the service; undefined: by whatever name each of them used. */
  readonly url?: string | undefined;
  /** Where devices' owners get the tokens that the edge takes. */
  readonly tokenService?: string | undefined;
}

/** Where RFC 9728 §3 puts the description of a resource whose name has no path. */
export const PROTECTED_RESOURCE_PATH = '/.well-known/oauth-protected-resource';

const FRESH_SECONDS = 300;

/**
 * What a program must know to sign in for the service, from the service's address alone (RFC 9728). Besides the registered
 * parameters: `cloudbridge_project`, `cloudbridge_token_service`.
 */
export const protectedResource = (request: Request, authorization: Authorization): Response => {
  const { issuer, project, url = new URL(request.url).origin, tokenService } = authorization;
  const description = {
    resource: url,
    authorization_servers: [issuer],
    scopes_supported: ['openid', 'urn:zitadel:iam:org:projects:roles', `urn:zitadel:iam:org:project:id:${project}:aud`],
    bearer_methods_supported: ['header'],
    cloudbridge_project: project,
    ...(tokenService !== undefined && { cloudbridge_token_service: tokenService }),
  };
  return Response.json(description, {
    headers: { 'cache-control': `public, max-age=${FRESH_SECONDS}`, 'access-control-allow-origin': '*' },
  });
};
