import {
  type DescField,
  type DescMessage,
  type DescMethodUnary,
  type DescService,
  getOption,
} from '@bufbuild/protobuf';
import { DeviceService } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { DnsService } from '#proto/gen/cloudbridge/v1/dns_pb.ts';
import { EventService } from '#proto/gen/cloudbridge/v1/event_pb.ts';
import { NetworkService } from '#proto/gen/cloudbridge/v1/network_pb.ts';
import { PopService } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { RevisionService } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { RoutingService } from '#proto/gen/cloudbridge/v1/routing_pb.ts';
import { SiteService } from '#proto/gen/cloudbridge/v1/site_pb.ts';
import { TenantService } from '#proto/gen/cloudbridge/v1/tenant_pb.ts';
import { TokenService } from '#proto/gen/cloudbridge/v1/token_pb.ts';
import { WireguardService } from '#proto/gen/cloudbridge/v1/wireguard_pb.ts';
import { http } from '#proto/gen/google/api/annotations_pb.ts';

/** What an installation's API offers. A new service is a row. */
export const SERVICES: readonly DescService[] = [
  TenantService,
  NetworkService,
  DeviceService,
  WireguardService,
  SiteService,
  TokenService,
  PopService,
  RoutingService,
  DnsService,
  RevisionService,
  EventService,
];

/** Names of commands that do not follow from the method's. */
const NAMES: Readonly<Record<string, string>> = {
  IssueToken: 'device token',
  RevokeToken: 'token revoke',
  WatchEvents: 'event tail',
  GetWireguardRotation: 'wireguard rotation',
};

/** Nouns of commands that do not follow from the message's name. */
const NOUNS: Readonly<Record<string, string>> = {
  AnycastPrefix: 'prefix',
  BgpNeighbor: 'bgp neighbor',
  RoutePolicy: 'bgp policy',
  DnsZone: 'dns zone',
  DnsPlace: 'dns place',
  WireguardEdge: 'wireguard edge',
};

/** One step of the way to a resource: `tenant` and then `device`. */
export interface PathPart {
  readonly name: string;
  /** Where it stands in the request, such as `device.id`. */
  readonly field: string;
}

/** A method of the API as a command: `DeleteDevice` is `device delete TENANT/DEVICE`. */
export interface Method {
  readonly rpc: DescMethodUnary;
  /** One word or more. */
  readonly noun: string;
  /** The last of the noun's words: what paths call it. */
  readonly short: string;
  readonly verb: string;
  readonly path: readonly PathPart[];
  /** The field of the request that the resource stands in. */
  readonly body: (DescField & { readonly fieldKind: 'message' }) | undefined;
}

const kebab = (name: string): string => name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase();

/** @param name of a message */
const nounOf = (name: string): string => NOUNS[name] ?? kebab(name);

/** `Devices` → `Device`, `Prefixes` → `Prefix`, `Policies` → `Policy`. */
const singular = (name: string): string => name.replace(/ies$/, 'ys').replace(/(?<=x)es$|s$/, '');

/** `DrainWorker` → `worker drain`, `ListDevices` → `device list`. */
const commandNameOf = (name: string): string => {
  const [, verb = '', noun = ''] = /^([A-Z][a-z]+)(.*)$/.exec(name) ?? [];
  return NAMES[name] ?? `${nounOf(verb === 'List' ? singular(noun) : noun)} ${kebab(verb)}`;
};

const pathOf = (template: string): PathPart[] =>
  [...template.matchAll(/\{([a-z0-9_.]+)\}/g)].map(([, field = '']) => ({
    name: (field.split('.')[0] ?? '').replaceAll('_', '-'),
    field,
  }));

const methodOf = (rpc: DescMethodUnary): Method => {
  const words = commandNameOf(rpc.name).split(' ');
  const verb = words.pop() ?? '';
  const { pattern, body: bodyName } = getOption(rpc, http);
  const body = rpc.input.fields.find(({ name }) => name === bodyName);
  return {
    rpc,
    noun: words.join(' '),
    short: words.at(-1) ?? '',
    verb,
    path: pathOf(typeof pattern.value === 'string' ? pattern.value : ''),
    body: body?.fieldKind === 'message' ? body : undefined,
  };
};

const isUnary = (rpc: DescService['methods'][number]): rpc is DescMethodUnary => rpc.methodKind === 'unary';

/** All of them that answer once. */
export const METHODS: readonly Method[] = SERVICES.flatMap(({ methods }) => methods.filter(isUnary).map(methodOf));

/** @throws RangeError when the API has no such method */
export const methodNamed = (noun: string, verb: string): Method => {
  const found = METHODS.find((method) => method.noun === noun && method.verb === verb);
  if (found === undefined) throw new RangeError(`no ${noun} ${verb}`);
  return found;
};

/** The resource that a method makes, changes or shows; undefined where it does neither. */
export const resourceOf = ({ rpc, noun, verb, body }: Method): DescMessage | undefined => {
  if (body !== undefined) return body.message;
  if (verb === 'list') return itemsOf(rpc).message;
  return nounOf(rpc.output.name) === noun ? rpc.output : undefined;
};

/** Where the answer to a list has the resources. */
export const itemsOf = ({ output }: DescMethodUnary): { readonly localName: string; readonly message: DescMessage } => {
  const found = output.fields.find((field) => field.fieldKind === 'list' && field.listKind === 'message');
  if (found?.listKind !== 'message') throw new RangeError(`${output} is no list`);
  return found;
};
