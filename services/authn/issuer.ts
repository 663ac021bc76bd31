import { Code, type ConnectError } from '@connectrpc/connect';
import { apiError } from '#services/api/errors.ts';

export interface IssuerMetadata {
  readonly jwksUri: string;
  readonly introspectionEndpoint: string | undefined;
}

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

/** After a failure it is not asked again for this long, so that a flood of tokens makes no flood of questions. */
const RETRY_MS = 1000;
const FRESH_MS = 10 * 60_000;
const TIMEOUT_MS = 5000;

/** The identity provider does not answer: nothing can be said about a token. */
export const issuerUnavailable = (issuer: string, cause: unknown): ConnectError =>
  apiError(Code.Unavailable, 'IDENTITY_PROVIDER_UNAVAILABLE', `${issuer} cannot be asked now: try again in a moment`, {
    cause,
    headers: { 'retry-after': '1' },
  });

/** Answers of the issuer, or what tells that it cannot be asked. */
export const fetchJson = async (
  fetch: Fetch,
  url: string,
  init: RequestInit = {},
): Promise<Record<string, unknown>> => {
  const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS), ...init });
  const body: unknown = await response.json();
  if (!response.ok || typeof body !== 'object' || body === null) throw new Error(`${url} answered ${response.status}`);
  return body as Record<string, unknown>;
};

/** OpenID Connect Discovery 1.0 §4, kept for a while; an old answer is better than none. */
export class Issuer {
  readonly issuer: string;
  readonly #fetch: Fetch;
  readonly #now: () => number;
  #known: { readonly metadata: IssuerMetadata; readonly at: number } | undefined;
  #failure: { readonly cause: unknown; readonly at: number } | undefined;

  /** @param now milliseconds */
  constructor(issuer: string, fetch: Fetch, now: () => number) {
    this.issuer = issuer;
    this.#fetch = fetch;
    this.#now = now;
  }

  async metadata(): Promise<IssuerMetadata> {
    const now = this.#now();
    if (this.#known !== undefined && now - this.#known.at < FRESH_MS) return this.#known.metadata;
    if (this.#failure !== undefined && now - this.#failure.at < RETRY_MS) return this.#orOld(this.#failure.cause);
    try {
      const url = `${this.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
      const { issuer, jwks_uri: jwksUri, introspection_endpoint: introspection } = await fetchJson(this.#fetch, url);
      // §4.3: the issuer must be exactly the one asked for.
      if (issuer !== this.issuer || typeof jwksUri !== 'string')
        throw new Error(`${url} is about ${JSON.stringify(issuer)}`);
      const introspectionEndpoint = typeof introspection === 'string' ? introspection : undefined;
      this.#known = { metadata: { jwksUri, introspectionEndpoint }, at: now };
      this.#failure = undefined;
      return this.#known.metadata;
    } catch (cause) {
      this.#failure = { cause, at: now };
      return this.#orOld(cause);
    }
  }

  #orOld(cause: unknown): IssuerMetadata {
    if (this.#known === undefined) throw issuerUnavailable(this.issuer, cause);
    return this.#known.metadata;
  }
}
