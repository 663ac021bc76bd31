import { type CryptoKey, SignJWT } from 'jose';
import { type Caller, TokenError } from './caller.ts';
import { type Fetch, fetchJson, type Issuer, issuerUnavailable } from './issuer.ts';

/** How this service shows the issuer who asks (RFC 7662 §2.1). */
export type IntrospectionClient =
  | { readonly clientId: string; readonly clientSecret: string }
  | { readonly clientId: string; readonly key: CryptoKey; readonly keyId: string; readonly alg: 'RS256' | 'ES256' };

export interface IntrospectionOptions {
  readonly issuer: Issuer;
  readonly client: IntrospectionClient;
  readonly fetch: Fetch;
  /** Milliseconds. */
  readonly now: () => number;
  /** @throws TokenError when the claims are not of a token for this service */
  readonly toCaller: (claims: Readonly<Record<string, unknown>>) => Caller;
}

/** A revoked token is taken for this long after it was last asked for. */
export const INTROSPECTION_KEPT_MS = 10_000;
/** Bounds the memory that strangers can fill with made-up tokens. */
const MAX_KEPT = 1000;

type Outcome = { readonly caller: Caller } | { readonly refused: string };

const hashOf = async (token: string): Promise<string> =>
  btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token)))));

/** Asks the issuer about opaque tokens (RFC 7662), such as Zitadel's personal access tokens. */
export class Introspection {
  readonly #options: IntrospectionOptions;
  /** By the token's digest: the token itself is not kept. */
  readonly #kept = new Map<string, { readonly outcome: Outcome; readonly until: number }>();

  constructor(options: IntrospectionOptions) {
    this.#options = options;
  }

  /** @throws TokenError */
  async verify(token: string): Promise<Caller> {
    const hash = await hashOf(token);
    const now = this.#options.now();
    const kept = this.#kept.get(hash);
    const outcome = kept !== undefined && kept.until > now ? kept.outcome : await this.#ask(token, hash, now);
    if ('refused' in outcome) throw new TokenError(outcome.refused);
    return outcome.caller;
  }

  async #ask(token: string, hash: string, now: number): Promise<Outcome> {
    const claims = await this.#introspect(token);
    const expiresMs = typeof claims['exp'] === 'number' ? claims['exp'] * 1000 : Number.POSITIVE_INFINITY;
    const outcome = this.#outcomeOf(claims, expiresMs <= now);
    this.#kept.delete(hash);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    const until = 'caller' in outcome ? Math.min(now + INTROSPECTION_KEPT_MS, expiresMs) : now + INTROSPECTION_KEPT_MS;
    this.#kept.set(hash, { outcome, until });
    return outcome;
  }

  #outcomeOf(claims: Readonly<Record<string, unknown>>, expired: boolean): Outcome {
    if (claims['active'] !== true || expired)
      return { refused: 'the token is not active: it has expired or was revoked' };
    try {
      return { caller: this.#options.toCaller(claims) };
    } catch (error) {
      if (error instanceof TokenError) return { refused: error.message };
      throw error;
    }
  }

  async #introspect(token: string): Promise<Record<string, unknown>> {
    const { issuer, fetch } = this.#options;
    const { introspectionEndpoint } = await issuer.metadata();
    if (introspectionEndpoint === undefined)
      throw new TokenError('the identity provider answers no questions about opaque tokens: send a JWT');
    try {
      const { headers, fields } = await this.#authentication();
      const body = new URLSearchParams({ token, token_type_hint: 'access_token', ...fields });
      return await fetchJson(fetch, introspectionEndpoint, { method: 'POST', headers, body });
    } catch (cause) {
      throw issuerUnavailable(issuer.issuer, cause);
    }
  }

  async #authentication(): Promise<{ headers: Record<string, string>; fields: Record<string, string> }> {
    const { client, issuer } = this.#options;
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
    if ('clientSecret' in client) {
      // RFC 6749 §2.3.1: both are form-encoded before they are joined.
      const encode = (text: string) => new URLSearchParams({ '': text }).toString().slice(1);
      const basic = btoa(`${encode(client.clientId)}:${encode(client.clientSecret)}`);
      return { headers: { ...headers, authorization: `Basic ${basic}` }, fields: {} };
    }
    const assertion = await new SignJWT({})
      .setProtectedHeader({ alg: client.alg, kid: client.keyId })
      .setIssuer(client.clientId)
      .setSubject(client.clientId)
      .setAudience(issuer.issuer)
      .setJti(crypto.randomUUID())
      .setIssuedAt()
      .setExpirationTime('60s')
      .sign(client.key);
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    return { headers, fields: { client_assertion_type: type, client_assertion: assertion } };
  }
}
