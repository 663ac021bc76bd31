import { type DescService, fromJson, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { envelope, toEventStream } from './event-stream.ts';
import { type HttpRule, httpRules, matchPath } from './http-rule.ts';
import { problem, problemFromConnect, problemResponse } from './problem.ts';
import { RequestShapeError, requestJson } from './request-json.ts';

export interface RestOptions {
  readonly services: readonly DescService[];
  /** Answers Connect requests: the same handlers, interceptors and checks as for RPC callers. */
  readonly rpc: (request: Request) => Promise<Response>;
  /** A larger body is refused. */
  readonly maxBodyBytes?: number;
  /** Is told of requests that are refused before they come to an RPC. */
  readonly onUnserved?: () => void;
}

/** Passed on to the RPC as they are. */
const PASSED_HEADERS = ['authorization', 'idempotency-key', 'traceparent', 'x-forwarded-for'];

/**
 * Plain HTTP in front of Connect: one JSON call in, one JSON call out, so that REST has no logic of its own.
 *
 * @returns undefined when no rule has this path
 */
export const createRest = (options: RestOptions): ((request: Request) => Promise<Response | undefined>) => {
  const rules = httpRules(options.services);
  const maxBodyBytes = options.maxBodyBytes ?? 1024 * 1024;
  const unserved = (answer: Response): Response => {
    options.onUnserved?.();
    return answer;
  };
  return async (request) => {
    const url = new URL(request.url);
    const matches = rules.flatMap((rule) => {
      const variables = matchPath(rule.segments, url.pathname);
      return variables === undefined ? [] : [{ rule, variables }];
    });
    if (matches.length === 0) return undefined;
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const match = matches.find(({ rule }) => rule.method === method);
    if (match === undefined) {
      const allow = [...new Set(matches.map(({ rule }) => rule.method))].join(', ');
      return unserved(
        problemResponse(problem(405, 'Method not allowed', 'METHOD_NOT_ALLOWED', `use ${allow}`), { allow }),
      );
    }
    try {
      const body = await readBody(request, maxBodyBytes);
      if (body instanceof Response) return unserved(body);
      const json = requestJson(match.rule, match.variables, url.searchParams, body.json);
      const condition = request.headers.get('if-match')?.replace(/^"(.*)"$/, '$1');
      if (condition && condition !== '*' && match.rule.rpc.input.fields.some(({ name }) => name === 'etag'))
        setDefault(json, 'etag', condition);
      // HTML, server-sent events: who comes back names the last event that it has seen, behind which it goes on.
      const lastEvent = request.headers.get('last-event-id');
      if (lastEvent !== null && match.rule.rpc.methodKind === 'server_streaming') json['after'] = lastEvent;
      checkFields(match.rule, json);
      return await call(options.rpc, request, match.rule, JSON.stringify(json), condition !== undefined);
    } catch (error) {
      if (error instanceof RequestShapeError)
        return unserved(problemResponse(problem(400, 'Bad request', 'INVALID_ARGUMENT', error.message)));
      throw error;
    }
  };
};

const setDefault = (json: JsonObject, name: string, value: string): void => {
  json[name] ??= value;
};

/** Connect ignores fields that it does not know; a person who misspelt one wants to hear of it. */
const checkFields = (rule: HttpRule, json: JsonObject): void => {
  try {
    fromJson(rule.rpc.input, json);
  } catch (error) {
    throw new RequestShapeError((error as Error).message);
  }
};

const readBody = async (request: Request, maxBytes: number): Promise<{ json: JsonValue | undefined } | Response> => {
  if (request.method === 'GET' || request.method === 'HEAD' || request.body === null) return { json: undefined };
  const tooLarge = () =>
    problemResponse(problem(413, 'Too large', 'TOO_LARGE', `a body has at most ${maxBytes} bytes`));
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) return tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > maxBytes) return tooLarge();
    chunks.push(chunk);
  }
  if (size === 0) return { json: undefined };
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/(merge-patch\+)?json\b/i.test(type)) {
    return problemResponse(
      problem(415, 'Unsupported media type', 'UNSUPPORTED_MEDIA_TYPE', 'the body must be application/json'),
    );
  }
  try {
    return { json: JSON.parse(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).text()) as JsonValue };
  } catch {
    return problemResponse(problem(400, 'Bad request', 'INVALID_JSON', 'the body is not JSON'));
  }
};

const call = async (
  rpc: RestOptions['rpc'],
  request: Request,
  rule: HttpRule,
  json: string,
  hasCondition: boolean,
): Promise<Response> => {
  const streaming = rule.rpc.methodKind === 'server_streaming';
  const headers = new Headers({
    'content-type': streaming ? 'application/connect+json' : 'application/json',
    'connect-protocol-version': '1',
  });
  for (const name of PASSED_HEADERS) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  const url = new URL(`/${rule.rpc.parent.typeName}/${rule.rpc.name}`, request.url);
  const response = await rpc(
    new Request(url, { method: 'POST', headers, body: streaming ? envelope(json) : json, signal: request.signal }),
  );
  if (streaming && response.ok && response.body !== null) {
    return new Response(response.body.pipeThrough(toEventStream()), {
      headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
    });
  }
  const body = (await response.json().catch(() => undefined)) as JsonValue | undefined;
  if (!response.ok) return problemResponse(problemFromConnect(body, hasCondition), explainingHeaders(response));
  return answer(request, rule, body);
};

/** What tells the caller how to go on. */
const explainingHeaders = (response: Response): Record<string, string> =>
  Object.fromEntries(
    ['retry-after', 'www-authenticate'].flatMap((name) => {
      const value = response.headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );

const answer = (request: Request, rule: HttpRule, body: JsonValue | undefined): Response => {
  if (rule.rpc.output.typeName === 'google.protobuf.Empty') return new Response(null, { status: 204 });
  const headers = new Headers({ 'content-type': 'application/json', 'cache-control': 'no-store' });
  const etag = etagOf(body);
  if (etag !== undefined) headers.set('etag', `"${etag}"`);
  if (request.method === 'GET' && etag !== undefined && request.headers.get('if-none-match') === `"${etag}"`) {
    return new Response(null, { status: 304, headers });
  }
  const status = rule.rpc.name.startsWith('Create') ? 201 : 200;
  return new Response(request.method === 'HEAD' ? null : JSON.stringify(body), { status, headers });
};

const etagOf = (body: JsonValue | undefined): string | undefined => {
  const meta = (body as { meta?: { etag?: unknown } } | undefined)?.meta;
  return typeof meta?.etag === 'string' && meta.etag !== '' ? meta.etag : undefined;
};
