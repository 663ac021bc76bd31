import { create, type DescMessage, type Message, type MessageShape } from '@bufbuild/protobuf';
import type { Empty } from '@bufbuild/protobuf/wkt';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import { ConfigKey, SYSTEM } from '#model/names.ts';
import { canonicalAddress } from '#model/prefixes.ts';
import type { PageRequest } from '#proto/gen/cloudbridge/v1/common_pb.ts';
import {
  type BgpNeighbor,
  BgpNeighborSchema,
  type RoutingService,
  type Uplink,
  UplinkSchema,
} from '#proto/gen/cloudbridge/v1/routing_pb.ts';
import { badRequest } from '#services/api/errors.ts';
import type { Change } from '#services/store/commit.ts';
import type { Store } from '#services/store/store.ts';
import { makeChange } from './change.ts';
import { addChild, GuardKey } from './guard.ts';
import { lookForAddress, neighborAddress } from './neighbor-address.ts';
import type { EventInput } from './outbox.ts';
import { readPage } from './page.ts';
import { popKey } from './pop-drain.ts';
import {
  applyMask,
  changeable,
  makeId,
  mustBeNew,
  type Resource,
  readRecord,
  readResource,
  refuseMissing,
  storeResource,
} from './resource.ts';
import { lookForPolicies } from './route-policies.ts';
import type { Stores } from './stores.ts';
import { keyOf } from './tenants.ts';

/** A kind of resource that a PoP has several of, which differ in their fields alone. */
interface PopKind<Desc extends DescMessage> {
  readonly name: string;
  readonly schema: Desc;
  readonly key: (pop: string, id: string) => string;
  /** Fields that it is nothing without. */
  readonly required: readonly string[];
  /** Brings fields into their one form. @throws InvalidArgument */
  readonly check?: (resource: MessageShape<Desc>) => void;
  /** Looks whether what it refers to is there. @returns to be committed with it @throws InvalidArgument */
  readonly look?: (config: Store, resource: MessageShape<Desc>) => Promise<readonly Change[]>;
  readonly data: (verb: 'Created' | 'Updated' | 'Deleted', value: MessageShape<Desc>) => EventInput['data'];
}

type OfPop = Resource & { pop: string; id: string };

const handlersOf = <Desc extends DescMessage>({ config }: Stores, kind: PopKind<Desc>) => {
  type Shape = MessageShape<Desc> & OfPop;
  const { name, schema, data } = kind;
  const check = async (resource: Shape): Promise<readonly Change[]> => {
    refuseMissing(schema, resource, name, kind.required);
    kind.check?.(resource);
    return (await kind.look?.(config, resource)) ?? [];
  };
  const key = (pop: string, id: string): string => keyOf(() => kind.key(pop, id), name, id);
  const may = changeable(schema, ['pop', 'id']);
  const read = (pop: string, id: string, etag?: string) => readRecord(config, name, id, key(pop, id), etag);
  return {
    list: async (pop: string, page: PageRequest | undefined) => {
      await readRecord(config, 'pop', pop, popKey(pop));
      return readPage(config, schema, kind.key(pop, 'x').replace(/x$/, '*'), page);
    },
    get: async (pop: string, id: string) => readResource(config, schema, await read(pop, id)),
    create: (request: Message, context: HandlerContext, pop: string, given: Shape) => {
      const id = given.id || makeId(name);
      return makeChange<Shape>(config, context, request, async () => {
        const parent = await readRecord(config, 'pop', pop, popKey(pop));
        const ifRevision = mustBeNew(await config.last(key(pop, id)), name, id);
        const resource = create(schema) as Shape;
        applyMask(resource, given, [...may.keys()], may, new Map());
        Object.assign(resource, { pop, id });
        const looked = await check(resource);
        return {
          resource: { key: key(pop, id), value: storeResource(schema, resource), ifRevision },
          others: [addChild(GuardKey.pop(pop), parent, id), ...looked],
          event: { tenant: SYSTEM, data: data('Created', resource) },
          answer: resource,
        };
      });
    },
    update: (
      request: Message & { pop: string; etag: string; updateMask?: { paths: string[] } | undefined },
      context: HandlerContext,
      given: Shape,
    ) =>
      makeChange<Shape>(config, context, request, async () => {
        const record = await read(request.pop, given.id, request.etag);
        const resource = readResource(config, schema, record) as Shape;
        applyMask(resource, given, request.updateMask?.paths ?? [], may, new Map());
        const looked = await check(resource);
        return {
          resource: { key: record.key, value: storeResource(schema, resource), ifRevision: record.revision },
          others: looked,
          event: { tenant: SYSTEM, data: data('Updated', resource) },
          answer: resource,
        };
      }),
    delete: (request: Message & { pop: string; etag: string }, context: HandlerContext, id: string) =>
      makeChange<Empty>(config, context, request, async () => {
        const record = await read(request.pop, id, request.etag);
        return {
          resource: { key: record.key, value: undefined, ifRevision: record.revision },
          event: { tenant: SYSTEM, data: data('Deleted', readResource(config, schema, record)) },
        };
      }),
  };
};

const NEIGHBOR: PopKind<typeof BgpNeighborSchema> = {
  name: 'neighbor',
  schema: BgpNeighborSchema,
  key: ConfigKey.neighbor,
  required: ['address', 'remote_asn'],
  check: (neighbor) => {
    neighbor.address = neighborAddress(neighbor.address);
    if (neighbor.linkLocalNextHop && !neighbor.address.includes('%')) {
      const description = 'is for a neighbor with a link-local address, such as fe80::1%eth0';
      throw badRequest([{ field: 'neighbor.link_local_next_hop', description }]);
    }
  },
  look: async (config, neighbor) => [
    await lookForAddress(config, neighbor),
    ...(await lookForPolicies(config, neighbor)),
  ],
  data: (verb, value) => ({ case: `neighbor${verb}`, value }),
};

const UPLINK: PopKind<typeof UplinkSchema> = {
  name: 'uplink',
  schema: UplinkSchema,
  key: ConfigKey.uplink,
  required: ['device'],
  check: (uplink) => {
    uplink.gateways = uplink.gateways.map((text) => canonicalAddress(text) ?? text);
    const { length } = uplink.gateways.filter((text) => text.includes(':'));
    if (uplink.gateways.length === 2 && length !== 1)
      throw badRequest([{ field: 'uplink.gateways', description: 'must be of two families' }]);
  },
  data: (verb, value) => ({ case: `uplink${verb}`, value }),
};

type Methods<Name extends string> = Pick<
  ServiceImpl<typeof RoutingService>,
  Extract<keyof ServiceImpl<typeof RoutingService>, `${string}${Name}${string}`>
>;

export const neighborMethods = (stores: Stores): Methods<'Neighbor'> => {
  const handlers = handlersOf(stores, NEIGHBOR);
  return {
    listBgpNeighbors: async ({ pop, page }) => {
      const { items, nextPageToken } = await handlers.list(pop, page);
      return { neighbors: items, nextPageToken };
    },
    getBgpNeighbor: ({ pop, neighbor }) => handlers.get(pop, neighbor),
    createBgpNeighbor: (request, context) =>
      handlers.create(request, context, request.pop, request.neighbor as BgpNeighbor),
    updateBgpNeighbor: (request, context) => handlers.update(request, context, request.neighbor as BgpNeighbor),
    deleteBgpNeighbor: (request, context) => handlers.delete(request, context, request.neighbor),
  };
};

export const uplinkMethods = (stores: Stores): Methods<'Uplink'> => {
  const handlers = handlersOf(stores, UPLINK);
  return {
    listUplinks: async ({ pop, page }) => {
      const { items, nextPageToken } = await handlers.list(pop, page);
      return { uplinks: items, nextPageToken };
    },
    getUplink: ({ pop, uplink }) => handlers.get(pop, uplink),
    createUplink: (request, context) => handlers.create(request, context, request.pop, request.uplink as Uplink),
    updateUplink: (request, context) => handlers.update(request, context, request.uplink as Uplink),
    deleteUplink: (request, context) => handlers.delete(request, context, request.uplink),
  };
};
