import type { JsonValue } from '@bufbuild/protobuf';

/** An answer, read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Whatever it was: tests look into it as they expect it. */
  readonly json: ReturnType<typeof JSON.parse>;
}

export type Send = (
  method: string,
  path: string,
  /** A string is sent as it is. */
  body?: JsonValue,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>;

export type Fetch = (request: Request) => Promise<Response>;

/** Reaches whatever serves at this URL. @param base without a path */
export const fetchAt =
  (base: string): Fetch =>
  async (request) => {
    const { pathname, search } = new URL(request.url);
    const { method, headers } = request;
    const body = request.body === null ? {} : { body: await request.arrayBuffer() };
    return globalThis.fetch(`${base}${pathname}${search}`, { method, headers, ...body });
  };

const RETRY_MS = 50;

/**
 * A caller that does not give up: what was not answered, or with "later", it sends again, under one Idempotency-Key.
 *
 * @throws what the last try threw, once it was without an answer for this long
 */
export const retrying =
  (fetch: Fetch, withinMs = 10_000): Fetch =>
  async (request) => {
    const headers = new Headers(request.headers);
    if (request.method !== 'GET' && !headers.has('idempotency-key'))
      headers.set('idempotency-key', crypto.randomUUID());
    const body = request.body === null ? {} : { body: await request.arrayBuffer() };
    const end = Date.now() + withinMs;
    for (;;) {
      try {
        const answer = await fetch(new Request(request.url, { method: request.method, headers, ...body }));
        if ((answer.status !== 502 && answer.status !== 503) || Date.now() > end) return answer;
      } catch (error) {
        if (Date.now() > end) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  };

/** Plain HTTP against a service's Fetch, as its callers use it. */
export const createClient =
  (fetch: Fetch, token: string): Send =>
  async (method, path, body, headers = {}) => {
    const response = await fetch(
      new Request(`http://edge${path}`, {
        method,
        headers: {
          ...(token !== '' && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    );
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      json: isJson && text !== '' ? JSON.parse(text) : undefined,
    };
  };

/** Waits until `look` gives something. @throws when it did not within the time */
export const eventually = async <T>(
  look: () => Promise<T | undefined>,
  what: string,
  withinMs = 20_000,
): Promise<T> => {
  const end = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`within ${withinMs} ms never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
