import { create, type DescMethod, type DescService, fromJson, type JsonObject } from '@bufbuild/protobuf';
import { type CallOptions, type Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';

const LEFT_OUT = new Set(['page', 'update_mask', 'etag', 'after', 'lifetime_seconds']);

/** A request that the rules in `proto/` allow, about things that need not be there. */
const requestOf = (method: DescMethod): JsonObject => {
  const request: JsonObject = {};
  for (const field of method.input.fields) {
    const { name, jsonName, fieldKind } = field;
    if (LEFT_OUT.has(name)) continue;
    if (name === 'number') request[jsonName] = '1';
    else if (fieldKind !== 'message') request[jsonName] = 'nothing';
    else
      request[jsonName] = {
        ...(field.message?.fields.some((part) => part.name === 'id') && { id: 'nothing' }),
        ...(name === 'device' && { network: 'nothing' }),
        ...(name === 'network' && { ipv4Pool: '10.1.0.0/24' }),
      };
  }
  return request;
};

/** Calls every RPC of these services once, all at the same time. @returns the code of each call that failed, by method */
export const callAll = async (
  services: readonly DescService[],
  baseUrl: string,
  token: string,
): Promise<ReadonlyMap<string, Code>> => {
  const transport = createConnectTransport({ baseUrl, httpVersion: '1.1' });
  const headers = token === '' ? {} : { authorization: `Bearer ${token}` };
  const codes = new Map<string, Code>();
  const call = async (service: DescService, method: DescMethod): Promise<void> => {
    const client = createClient(service, transport) as Record<
      string,
      (request: object, options: CallOptions) => Promise<object> | AsyncIterable<object>
    >;
    try {
      const request = fromJson(method.input, requestOf(method));
      const answer = client[method.localName]?.(create(method.input, request), { headers });
      if (method.methodKind === 'unary') await answer;
      else for await (const _message of answer as AsyncIterable<object>);
    } catch (error) {
      codes.set(`${service.name}/${method.name}`, ConnectError.from(error).code);
    }
  };
  await Promise.all(services.flatMap((service) => service.methods.map((method) => call(service, method))));
  return codes;
};
