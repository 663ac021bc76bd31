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
  body?: JsonValue,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>;

/** Plain HTTP against a service's Fetch, as its callers use it. */
export const createClient =
  (fetch: (request: Request) => Promise<Response>, token: string): Send =>
  async (method, path, body, headers = {}) => {
    const response = await fetch(
      new Request(`http://edge${path}`, {
        method,
        headers: {
          ...(token !== '' && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
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
