/** Where Zitadel has them. */
export const ROUTES = {
  authorization: '/oauth/v2/authorize',
  token: '/oauth/v2/token',
  introspection: '/oauth/v2/introspect',
  revocation: '/oauth/v2/revoke',
  jwks: '/oauth/v2/keys',
  device_authorization: '/oauth/v2/device_authorization',
  userinfo: '/oidc/v1/userinfo',
  end_session: '/oidc/v1/end_session',
  code_verification: '/device',
} as const;

/** The page of one sign-in lies below. */
export const LOGIN_PATH = '/ui/login/';

const DISCOVERY = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];

const BY_PATH: ReadonlyMap<string, string> = new Map([
  ...Object.entries(ROUTES).map(([name, path]) => [path, name] as const),
  ...DISCOVERY.map((path) => [path, 'discovery'] as const),
]);

/** Under which requests are counted. */
export const ROUTE_NAMES: readonly string[] = [...new Set(BY_PATH.values()), 'login'];

/** @param url as in the request line @returns undefined when there is nothing at its path */
export const routeOf = (url: string): string | undefined => {
  const path = url.split('?')[0] ?? '';
  if (path.startsWith(LOGIN_PATH)) return 'login';
  // What follows an authorization or an end of a session has its path below.
  const below = [ROUTES.authorization, ROUTES.end_session, ROUTES.code_verification].find((base) =>
    path.startsWith(`${base}/`),
  );
  return BY_PATH.get(below ?? path);
};
