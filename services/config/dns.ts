import { create, type DescMessage, type Message, type MessageShape } from '@bufbuild/protobuf';
import type { Empty } from '@bufbuild/protobuf/wkt';
import { Code, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import { zoneFaults } from '#model/dns-zone.ts';
import { ConfigKey, configKey, SYSTEM } from '#model/names.ts';
import { canonicalPrefix } from '#model/prefixes.ts';
import type { PageRequest } from '#proto/gen/cloudbridge/v1/common_pb.ts';
import {
  type DnsPlace,
  DnsPlaceSchema,
  type DnsService,
  type DnsZone,
  DnsZoneSchema,
} from '#proto/gen/cloudbridge/v1/dns_pb.ts';
import { apiError, badRequest } from '#services/api/errors.ts';
import type { Change } from '#services/store/commit.ts';
import type { Store } from '#services/store/store.ts';
import { makeChange } from './change.ts';
import { afterLook, GuardKey } from './guard.ts';
import type { EventInput } from './outbox.ts';
import { readPage } from './page.ts';
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
import { refuseUnknownPops } from './routing.ts';
import type { Stores } from './stores.ts';
import { keyOf } from './tenants.ts';

/** A kind of resource of which no two may say something of one thing. */
interface Kind<Desc extends DescMessage> {
  readonly name: 'place' | 'zone';
  readonly schema: Desc;
  readonly key: (id: string) => string;
  readonly guard: string;
  readonly required: readonly string[];
  /** Brings fields into their one form. @throws ConnectError */
  readonly check: (config: Store, resource: MessageShape<Desc>) => Promise<void> | void;
  /** What it speaks of. */
  readonly subjects: (resource: MessageShape<Desc>) => readonly string[];
  readonly data: (verb: 'Created' | 'Updated' | 'Deleted', value: MessageShape<Desc>) => EventInput['data'];
}

type Named = Resource & { id: string };

const handlersOf = <Desc extends DescMessage>({ config }: Stores, kind: Kind<Desc>) => {
  type Shape = MessageShape<Desc> & Named;
  const { name, schema, data } = kind;
  const all = configKey(SYSTEM, name, 'x').replace(/x$/, '*');
  const key = (id: string): string => keyOf(() => kind.key(id), name, id);
  const may = changeable(schema, ['id']);
  const read = (id: string, etag?: string) => readRecord(config, name, id, key(id), etag);
  const refuseTwice = async (resource: Shape): Promise<void> => {
    const own = new Set(kind.subjects(resource));
    for (const record of await config.list(all)) {
      const other = config.tryRead(schema, record) as Shape | undefined;
      const twice = other?.id === resource.id ? undefined : other && kind.subjects(other).find((one) => own.has(one));
      if (twice === undefined) continue;
      const message = `${twice} is that of ${name} ${JSON.stringify(other?.id)} already: change or delete that one`;
      throw apiError(Code.AlreadyExists, `${name.toUpperCase()}_TAKEN`, message);
    }
  };
  const checked = async (resource: Shape): Promise<Change> => {
    refuseMissing(schema, resource, name, kind.required);
    await kind.check(config, resource);
    return afterLook(config, kind.guard, resource.id, () => refuseTwice(resource));
  };
  return {
    list: (page: PageRequest | undefined) => readPage(config, schema, all, page),
    get: async (id: string) => readResource(config, schema, await read(id)),
    create: (request: Message, context: HandlerContext, given: Shape) => {
      const id = given.id || makeId(name);
      return makeChange<Shape>(config, context, request, async () => {
        const ifRevision = mustBeNew(await config.last(key(id)), name, id);
        const resource = create(schema) as Shape;
        applyMask(resource, given, [...may.keys()], may, new Map());
        resource.id = id;
        const look = await checked(resource);
        return {
          resource: { key: key(id), value: storeResource(schema, resource), ifRevision },
          others: [look],
          event: { tenant: SYSTEM, data: data('Created', resource) },
          answer: resource,
        };
      });
    },
    update: (
      request: Message & { etag: string; updateMask?: { paths: string[] } | undefined },
      context: HandlerContext,
      given: Shape,
    ) =>
      makeChange<Shape>(config, context, request, async () => {
        const record = await read(given.id, request.etag);
        const resource = readResource(config, schema, record) as Shape;
        applyMask(resource, given, request.updateMask?.paths ?? [], may, new Map());
        const look = await checked(resource);
        return {
          resource: { key: record.key, value: storeResource(schema, resource), ifRevision: record.revision },
          others: [look],
          event: { tenant: SYSTEM, data: data('Updated', resource) },
          answer: resource,
        };
      }),
    delete: (request: Message & { etag: string }, context: HandlerContext, id: string) =>
      makeChange<Empty>(config, context, request, async () => {
        const record = await read(id, request.etag);
        return {
          resource: { key: record.key, value: undefined, ifRevision: record.revision },
          event: { tenant: SYSTEM, data: data('Deleted', readResource(config, schema, record)) },
        };
      }),
  };
};

const ZONE: Kind<typeof DnsZoneSchema> = {
  name: 'zone',
  schema: DnsZoneSchema,
  key: ConfigKey.zone,
  guard: GuardKey.zones,
  required: ['domain', 'name_servers'],
  check: (_config, zone) => {
    zone.domain = zone.domain.toLowerCase();
    const faults = zoneFaults(zone);
    if (faults.length > 0) {
      throw badRequest(faults.map(({ field, description }) => ({ field: `zone.${field}`, description })));
    }
  },
  subjects: ({ domain }) => [domain],
  data: (verb, value) => ({ case: `zone${verb}`, value }),
};

const PLACE: Kind<typeof DnsPlaceSchema> = {
  name: 'place',
  schema: DnsPlaceSchema,
  key: ConfigKey.place,
  guard: GuardKey.places,
  required: ['prefixes'],
  check: (config, place) => {
    place.prefixes = place.prefixes.map(canonicalPrefix);
    return refuseUnknownPops(config, place, 'place');
  },
  subjects: ({ prefixes }) => prefixes,
  data: (verb, value) => ({ case: `place${verb}`, value }),
};

export const dnsService = (stores: Stores): ServiceImpl<typeof DnsService> => {
  const [zones, places] = [handlersOf(stores, ZONE), handlersOf(stores, PLACE)];
  return {
    listDnsZones: async ({ page }) => {
      const { items, nextPageToken } = await zones.list(page);
      return { zones: items, nextPageToken };
    },
    getDnsZone: ({ zone }) => zones.get(zone),
    createDnsZone: (request, context) => zones.create(request, context, request.zone as DnsZone),
    updateDnsZone: (request, context) => zones.update(request, context, request.zone as DnsZone),
    deleteDnsZone: (request, context) => zones.delete(request, context, request.zone),
    listDnsPlaces: async ({ page }) => {
      const { items, nextPageToken } = await places.list(page);
      return { places: items, nextPageToken };
    },
    getDnsPlace: ({ place }) => places.get(place),
    createDnsPlace: (request, context) => places.create(request, context, request.place as DnsPlace),
    updateDnsPlace: (request, context) => places.update(request, context, request.place as DnsPlace),
    deleteDnsPlace: (request, context) => places.delete(request, context, request.place),
  };
};
