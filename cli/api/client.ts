import { type DescMethodUnary, type DescService, fromJson, type JsonObject, type Message } from '@bufbuild/protobuf';
import { type Client, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import type { AccessTokens } from '#client/oauth.ts';
import { CommandError } from '../failure.ts';
import { accessOf } from './access.ts';
import { discoverResource } from './discover.ts';
import { explain } from './explain.ts';
import { authorize, retry } from './interceptors.ts';
import { type Target, targetOf } from './target.ts';
import { openWire, type Wire } from './wire.ts';

/** An installation's services, called as the target says. Errors are what Connect and OAuth throw; see `withApi`. */
export interface ApiClient {
  readonly target: Target;
  readonly wire: Wire;
  readonly access: AccessTokens;
  /** RPCs of the API; of the token service where they are its. */
  service<T extends DescService>(service: T): Client<T>;
  /** Any of them by its description. @param request in protobuf's JSON form */
  call(rpc: DescMethodUnary, request: JsonObject): Promise<Message & Readonly<Record<string, unknown>>>;
  close(): void;
}

const TIMEOUT_MS = 20_000;
/** Served elsewhere than the API. */
const TOKEN_SERVICE = 'cloudbridge.v1.TokenService';

const transportTo = (baseUrl: string, wire: Wire, access: AccessTokens): Transport => {
  const options = {
    baseUrl,
    httpVersion: '1.1' as const,
    nodeOptions: { agent: wire.agent(baseUrl) },
    interceptors: [retry, authorize(access)],
  };
  // A stream has no end that one could wait for.
  return {
    unary: createConnectTransport({ ...options, defaultTimeoutMs: TIMEOUT_MS }).unary,
    stream: createConnectTransport(options).stream,
  };
};

/** @throws CommandError when the target is not signed in */
export const apiClient = async (target: Target): Promise<ApiClient> => {
  const { context } = target;
  const wire = openWire(context);
  // Who calls no service needs no token.
  let asked: Promise<AccessTokens> | undefined;
  const access: AccessTokens = {
    accessToken: async (refused) => {
      asked ??= accessOf(target, wire);
      return (await asked).accessToken(refused);
    },
  };
  const api = transportTo(context.server, wire, access);
  const tokens: Transport = {
    unary: async (...call) => transportTo(await tokenServiceOf(context, wire), wire, access).unary(...call),
    stream: async (...call) => transportTo(await tokenServiceOf(context, wire), wire, access).stream(...call),
  };
  const transportOf = ({ typeName }: DescService): Transport => (typeName === TOKEN_SERVICE ? tokens : api);
  return {
    target,
    wire,
    access,
    service: (service) => createClient(service, transportOf(service)),
    call: async (rpc, json) => {
      const request = fromJson(rpc.input, json);
      const { message } = await transportOf(rpc.parent).unary(rpc, undefined, undefined, undefined, request);
      return message as Message & Readonly<Record<string, unknown>>;
    },
    close: wire.close,
  };
};

/** @throws CommandError when nobody tells */
export const tokenServiceOf = async ({ server, tokenService }: Target['context'], wire: Wire): Promise<string> => {
  const url = tokenService ?? (await discoverResource(server, wire)).tokenService;
  if (url !== undefined) return url;
  throw new CommandError(`${server} does not tell where its token service is: give CBR_TOKEN_SERVICE=URL.`);
};

/** Does something with the API that the command line names. @throws CommandError with one sentence when it fails */
export const withApi = async <T>(
  options: Parameters<typeof targetOf>[0],
  work: (api: ApiClient) => Promise<T>,
): Promise<T> => {
  const target = targetOf(options);
  const api = await apiClient(target);
  try {
    return await work(api);
  } catch (error) {
    throw explain(error, target.context.server);
  } finally {
    api.close();
  }
};
