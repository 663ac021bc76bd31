import { compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from 'jose';
import { type PopClaims, readPopClaims } from '#model/claims.ts';
import { type Prefix, parseIpv4, parseIpv6 } from '#protocol/ip/text.ts';
import type { Refusal } from '#protocol/masque/proxy-status.ts';
import type { Directory } from './directory.ts';
import type { TenantTable } from './forward/tenant-table.ts';

/** Signatures that tokens may have; none that needs a shared secret. */
const ALGORITHMS = ['ES256', 'EdDSA', 'RS256'];
/** A longer one is not looked at. */
const MAX_TOKEN_BYTES = 8192;

/** Who was let in, and by what token. */
export interface Admitted extends PopClaims {
  readonly sources: readonly Prefix[];
}

/** One sentence for the client and the log, and the HTTP status that goes with it. */
export interface Denied {
  readonly status: 401 | 403 | 503;
  readonly reason: string;
  /** When it may be another (RFC 9110 §10.2.3). */
  readonly retryAfterSeconds?: number;
}

/** Why a device that was let in is not any more. */
export const REVOKED = 'the device or its token is revoked';

const OUTCOMES = { 401: 'unauthorized', 403: 'forbidden', 503: 'unavailable' } as const;

/** Desired state comes within seconds of the connection to the control plane. */
const RETRY_SECONDS = 5;

const unavailable = (reason: string): Denied => ({ status: 503, reason, retryAfterSeconds: RETRY_SECONDS });

const denied = (status: Denied['status'], reason: string): Denied => ({ status, reason });

/** A denial as a proxy says it. */
export const refusalOf = ({ status, reason, retryAfterSeconds }: Denied): Refusal => ({
  error: 'http_request_denied',
  details: reason,
  status,
  ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
});

type KeySet = ReturnType<typeof createLocalJWKSet>;

/** @returns undefined when the text is no JWK set: then there are no keys */
const keySetOf = (text: string): KeySet | undefined => {
  try {
    return createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
  } catch {
    return undefined;
  }
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @throws SyntaxError or TypeError when it is none */
const jsonObject = (bytes: Uint8Array): Readonly<Record<string, unknown>> => {
  const value: unknown = JSON.parse(utf8.decode(bytes));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('no JSON object');
  return value as Record<string, unknown>;
};

/** Decides about tokens with what this worker holds itself: no service is asked. */
export class Admission {
  /** Decisions by their kind. */
  readonly outcomes = { admitted: 0, unauthorized: 0, forbidden: 0, unavailable: 0 };
  readonly #directory: Directory;
  readonly #nowMs: () => number;
  readonly #tenants: Pick<TenantTable, 'has'>;
  /** By connection, whoever was let in last. */
  readonly #latest = new WeakMap<object, Admitted>();
  #keySet: { readonly text: string; readonly resolve: KeySet | undefined } | undefined;

  /** @param nowMs wall clock, milliseconds since 1970 */
  constructor(directory: Directory, nowMs: () => number, tenants: Pick<TenantTable, 'has'>) {
    this.#tenants = tenants;
    this.#directory = directory;
    this.#nowMs = nowMs;
  }

  /**
   * @param authorization the field's value, as `Bearer …`
   * @param connection that it came by
   */
  async admit(authorization: string | undefined, connection?: object): Promise<Admitted | Denied> {
    const answer = await this.#decide(authorization);
    this.outcomes['status' in answer ? OUTCOMES[answer.status] : 'admitted']++;
    if (connection !== undefined && !('status' in answer)) this.#latest.set(connection, answer);
    return answer;
  }

  /** Whether a connection's is the device of a token that is revoked: of those that came by it, the latest counts. */
  isRevoked(connection: object): boolean {
    const latest = this.#latest.get(connection);
    return latest !== undefined && this.#directory.isRevoked(latest.tenant, latest.device, latest.tokenId);
  }

  /** Why what was admitted would not be now. */
  objection({ tenant, device, tokenId }: Pick<PopClaims, 'tenant' | 'device' | 'tokenId'>): Denied | undefined {
    if (this.#directory.isRevoked(tenant, device, tokenId)) return denied(403, REVOKED);
    if (this.#tenants.has(tenant)) return undefined;
    return this.#unknown(denied(403, 'the tenant is not known here'));
  }

  /** What is not known is no reason for good while the worker may not know all there is. */
  #unknown(forGood: Denied): Denied {
    if (this.#directory.isCurrent) return forGood;
    return unavailable(`${forGood.reason}, and this worker is not up to date with its control plane`);
  }

  async #decide(authorization: string | undefined): Promise<Admitted | Denied> {
    const token = /^Bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined || token.length > MAX_TOKEN_BYTES) return denied(401, 'a bearer token is needed');
    const keys = this.#keys();
    if (keys === undefined) return unavailable('this worker has not got the keys of tokens yet');
    const claims = await this.#verify(token, keys);
    if ('status' in claims) return claims;
    const objection = this.objection(claims);
    if (objection !== undefined) return objection;
    const ipv4 = parseIpv4(claims.ipv4);
    const ipv6 = parseIpv6(claims.ipv6);
    if (ipv4 === undefined || ipv6 === undefined) return denied(401, 'the token has no addresses');
    return {
      ...claims,
      sources: [
        { address: ipv4, length: 32 },
        { address: ipv6, length: 128 },
      ],
    };
  }

  async #verify(token: string, keys: KeySet): Promise<PopClaims | Denied> {
    const { issuer } = this.#directory;
    try {
      const { payload } = await compactVerify(token, keys, { algorithms: ALGORITHMS });
      const claims = readPopClaims(jsonObject(payload), issuer, this.#nowMs() / 1000);
      return typeof claims === 'string' ? denied(401, claims) : claims;
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey)
        return this.#unknown(denied(401, 'the token is signed by a key that is not known here'));
      if (error instanceof errors.JWSSignatureVerificationFailed)
        return denied(401, 'the signature of the token is wrong');
      return denied(401, 'the token cannot be read');
    }
  }

  #keys(): KeySet | undefined {
    const text = this.#directory.jwks;
    if (text === undefined) return undefined;
    if (this.#keySet?.text !== text) {
      this.#keySet = { text, resolve: keySetOf(text) };
    }
    return this.#keySet.resolve;
  }
}
