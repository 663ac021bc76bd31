import { create } from '@bufbuild/protobuf';
import { Code, type ServiceImpl } from '@connectrpc/connect';
import { ConfigKey, configKey, SYSTEM } from '#model/names.ts';
import { canonicalPrefix, unannounceable } from '#model/prefixes.ts';
import { type AnycastPrefix, AnycastPrefixSchema, type RoutingService } from '#proto/gen/cloudbridge/v1/routing_pb.ts';
import { apiError, badRequest } from '#services/api/errors.ts';
import type { Store } from '#services/store/store.ts';
import { makeChange } from './change.ts';
import { afterLook, GuardKey } from './guard.ts';
import { readPage } from './page.ts';
import { neighborMethods, uplinkMethods } from './pop-routing.ts';
import {
  applyMask,
  changeable,
  makeId,
  mustBeNew,
  readRecord,
  readResource,
  refuseMissing,
  storeResource,
} from './resource.ts';
import { routePolicyMethods } from './route-policies.ts';
import type { Stores } from './stores.ts';
import { keyOf } from './tenants.ts';

export const ALL_PREFIXES = configKey(SYSTEM, 'prefix', 'x').replace(/x$/, '*');

const CHANGEABLE = changeable(AnycastPrefixSchema, ['id']);

const prefixKey = (id: string): string => keyOf(() => ConfigKey.prefix(id), 'prefix', id);

const read = (config: Store, id: string, etag?: string) => readRecord(config, 'prefix', id, prefixKey(id), etag);

/** Two resources for one prefix would say two things of it. */
const refuseTwice = async (config: Store, { id, prefix }: AnycastPrefix): Promise<void> => {
  for (const record of await config.list(ALL_PREFIXES)) {
    const other = config.tryRead(AnycastPrefixSchema, record);
    if (other === undefined || other.id === id || other.prefix !== prefix) continue;
    const message = `${prefix} is that of prefix ${JSON.stringify(other.id)} already: change or delete that one`;
    throw apiError(Code.AlreadyExists, 'PREFIX_TAKEN', message);
  }
};

/** PoPs that a resource names have to exist; of one that is deleted later nothing comes. */
export const refuseUnknownPops = async (
  config: Store,
  { pops }: { readonly pops: readonly string[] },
  body: string,
): Promise<void> => {
  for (const [i, pop] of pops.entries()) {
    const isThere = (await config.get(keyOf(() => ConfigKey.pop(pop), 'pop', pop))) !== undefined;
    if (isThere) continue;
    throw badRequest([{ field: `${body}.pops[${i}]`, description: `there is no PoP ${JSON.stringify(pop)}` }]);
  }
};

const checked = async (config: Store, prefix: AnycastPrefix) => {
  refuseMissing(AnycastPrefixSchema, prefix, 'prefix', ['prefix']);
  prefix.prefix = canonicalPrefix(prefix.prefix);
  const wrong = unannounceable(prefix.prefix);
  if (wrong !== undefined) throw badRequest([{ field: 'prefix.prefix', description: wrong }]);
  await refuseUnknownPops(config, prefix, 'prefix');
  return afterLook(config, GuardKey.prefixes, prefix.id, () => refuseTwice(config, prefix));
};

export const routingService = (stores: Stores): ServiceImpl<typeof RoutingService> => ({
  ...prefixMethods(stores),
  ...neighborMethods(stores),
  ...routePolicyMethods(stores),
  ...uplinkMethods(stores),
});

type PrefixMethods = Extract<keyof ServiceImpl<typeof RoutingService>, `${string}Prefix${string}`>;

const prefixMethods = ({ config }: Stores): Pick<ServiceImpl<typeof RoutingService>, PrefixMethods> => ({
  listAnycastPrefixes: async ({ page }) => {
    const { items, nextPageToken } = await readPage(config, AnycastPrefixSchema, ALL_PREFIXES, page);
    return { prefixes: items, nextPageToken };
  },

  getAnycastPrefix: async ({ prefix }) => readResource(config, AnycastPrefixSchema, await read(config, prefix)),

  createAnycastPrefix: (request, context) => {
    const id = request.prefix?.id || makeId('prefix');
    const { displayName = '', prefix: text = '', pops = [], communities = [] } = request.prefix ?? {};
    return makeChange<AnycastPrefix>(config, context, request, async () => {
      const key = prefixKey(id);
      const ifRevision = mustBeNew(await config.last(key), 'prefix', id);
      const prefix = create(AnycastPrefixSchema, { id, displayName, prefix: text, pops, communities });
      const look = await checked(config, prefix);
      return {
        resource: { key, value: storeResource(AnycastPrefixSchema, prefix), ifRevision },
        others: [look],
        event: { tenant: SYSTEM, data: { case: 'prefixCreated', value: prefix } },
        answer: prefix,
      };
    });
  },

  updateAnycastPrefix: (request, context) =>
    makeChange<AnycastPrefix>(config, context, request, async () => {
      const record = await read(config, request.prefix?.id ?? '', request.etag);
      const prefix = readResource(config, AnycastPrefixSchema, record);
      applyMask(prefix, request.prefix as AnycastPrefix, request.updateMask?.paths ?? [], CHANGEABLE, new Map());
      const look = await checked(config, prefix);
      return {
        resource: { key: record.key, value: storeResource(AnycastPrefixSchema, prefix), ifRevision: record.revision },
        others: [look],
        event: { tenant: SYSTEM, data: { case: 'prefixUpdated', value: prefix } },
        answer: prefix,
      };
    }),

  deleteAnycastPrefix: (request, context) =>
    makeChange(config, context, request, async () => {
      const record = await read(config, request.prefix, request.etag);
      const prefix = readResource(config, AnycastPrefixSchema, record);
      return {
        resource: { key: record.key, value: undefined, ifRevision: record.revision },
        event: { tenant: SYSTEM, data: { case: 'prefixDeleted', value: prefix } },
      };
    }),
});
