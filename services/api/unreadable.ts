import { create, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { base64Encode } from '@bufbuild/protobuf/wire';
import type { ConnectRouter } from '@connectrpc/connect';
import type { UniversalHandler, UniversalServerResponse } from '@connectrpc/connect/protocol';
import { ErrorInfoSchema } from '#proto/gen/google/rpc/error_details_pb.ts';
import { ERROR_DOMAIN } from './errors.ts';

/** How Connect's messages start when a request's bytes are no protobuf, for which it blames the server. */
const NOT_PROTOBUF = 'parse binary:';
const GRPC_INVALID_ARGUMENT = '3';

/**
 * Requests that cannot be read never reach an interceptor. This gives them what other errors have: the caller's fault as
 * code, and a reason.
 */
export const explainUnreadable = (router: ConnectRouter): void => {
  for (const [i, handler] of router.handlers.entries()) {
    const wrapped = async (request: Parameters<UniversalHandler>[0]) => explain(await handler(request));
    router.handlers[i] = Object.assign(wrapped, { ...handler });
  }
};

const explain = (response: UniversalServerResponse): UniversalServerResponse | Promise<UniversalServerResponse> => {
  if (response.trailer !== undefined) return explainGrpc(response, response.trailer);
  const type = response.header?.get('content-type') ?? '';
  return response.status >= 400 && type.startsWith('application/json') ? explainConnect(response) : response;
};

const explainGrpc = (response: UniversalServerResponse, trailer: Headers): UniversalServerResponse => {
  const body = async function* () {
    yield* response.body ?? [];
    if (!decodeURIComponent(trailer.get('grpc-message') ?? '').includes(NOT_PROTOBUF)) return;
    trailer.set('grpc-status', GRPC_INVALID_ARGUMENT);
    trailer.delete('grpc-status-details-bin');
  };
  return { ...response, body: body() };
};

const explainConnect = async (response: UniversalServerResponse): Promise<UniversalServerResponse> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body ?? []) chunks.push(chunk);
  const text = await new Blob(chunks as Uint8Array<ArrayBuffer>[]).text();
  const error = JSON.parse(text) as JsonObject & { code?: string; message?: string; details?: unknown };
  if (error.details !== undefined) return withBody(response, response.status, text);
  const unreadable = error.code === 'internal' && (error.message ?? '').includes(NOT_PROTOBUF);
  const code = unreadable ? 'invalid_argument' : (error.code ?? 'unknown');
  const reason = code === 'invalid_argument' ? 'REQUEST_UNREADABLE' : code.toUpperCase();
  const value = base64Encode(
    toBinary(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain: ERROR_DOMAIN })),
    'std_raw',
  );
  const details = [{ type: ErrorInfoSchema.typeName, value, debug: { reason, domain: ERROR_DOMAIN } }];
  return withBody(response, unreadable ? 400 : response.status, JSON.stringify({ ...error, code, details }));
};

const withBody = (response: UniversalServerResponse, status: number, text: string): UniversalServerResponse => {
  const bytes = new TextEncoder().encode(text);
  const header = new Headers(response.header);
  header.set('content-length', String(bytes.length));
  const body = async function* () {
    yield bytes;
  };
  return { ...response, status, header, body: body() };
};
