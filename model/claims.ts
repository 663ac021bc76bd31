/** Audience of tokens that a worker admits a device with. */
export const POP_AUDIENCE = 'cloudbridge-pop';

/** What a PoP token says (RFC 7519), checked for shape; the signature is checked before. */
export interface PopClaims {
  readonly issuer: string;
  readonly tenant: string;
  readonly device: string;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly egress: boolean;
  readonly tokenId: string;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Clocks may differ by this much, in seconds. */
export const CLOCK_TOLERANCE = 30;

const text = (value: unknown): value is string => typeof value === 'string' && value.length > 0 && value.length <= 200;
const time = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;

/** The last time that a Date can show. */
const LAST_SECONDS = 8.64e12;
const shown = (seconds: number): string =>
  new Date(Math.min(seconds, LAST_SECONDS) * 1000).toISOString().replace(/\.\d+Z$/, 'Z');

/** Both times, since either clock may be the wrong one. */
const mistimed = (what: string, seconds: number, nowSeconds: number): string =>
  `${what} ${shown(seconds)} and it is ${shown(nowSeconds)} by this worker's clock`;
const SET_CLOCK = 'set the clock that is wrong, here or where tokens are issued';

/** @returns the claims, or one sentence that says what is wrong */
export const readPopClaims = (
  payload: Readonly<Record<string, unknown>>,
  issuer: string,
  nowSeconds: number,
): PopClaims | string => {
  const { iss, aud, sub, tenant, ipv4, ipv6, egress, jti, iat, nbf, exp } = payload;
  if (iss !== issuer) return 'the token is from another issuer';
  if (aud !== POP_AUDIENCE && !(Array.isArray(aud) && aud.includes(POP_AUDIENCE)))
    return `the token is not for ${POP_AUDIENCE}`;
  if (!text(sub) || !text(tenant) || !text(ipv4) || !text(ipv6) || !text(jti)) return 'the token lacks a claim';
  if (!time(iat) || !time(exp)) return 'the token has no times';
  if (exp <= nowSeconds - CLOCK_TOLERANCE) return `${mistimed('the token expired at', exp, nowSeconds)}: get a new one`;
  if (iat > nowSeconds + CLOCK_TOLERANCE)
    return `${mistimed('the token was issued at', iat, nowSeconds)}: ${SET_CLOCK}`;
  // Nobody here sets it, but who does means it (RFC 7519 §4.1.5).
  if (nbf !== undefined && !time(nbf)) return 'the token has no times';
  if (nbf !== undefined && nbf > nowSeconds + CLOCK_TOLERANCE)
    return `${mistimed('the token is not valid before', nbf, nowSeconds)}: ${SET_CLOCK}`;
  return {
    issuer,
    tenant,
    device: sub,
    ipv4,
    ipv6,
    egress: egress === true,
    tokenId: jti,
    issuedAt: iat,
    expiresAt: exp,
  };
};
