import { create, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import { SYSTEM } from '#model/names.ts';
import { type RoutingConfig, RoutingConfigSchema } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { RoutePolicySchema } from '#proto/gen/cloudbridge/v1/route_policy_pb.ts';
import { AnycastPrefixSchema, BgpNeighborSchema, UplinkSchema } from '#proto/gen/cloudbridge/v1/routing_pb.ts';
import type { Store } from '#services/store/store.ts';

/**
 * What all PoPs announce, and to whom, as it goes into a revision: the same records give the same bytes, so without what
 * only the store knows of them.
 *
 * @param published of the revision before: of a record that cannot be read it is said once more what was said there, so
 *   that nothing is withdrawn for a damaged record
 */
export const readRouting = async (
  config: Store,
  published: () => Promise<RoutingConfig | undefined>,
): Promise<RoutingConfig> => {
  const prefixes = await readAll(config, AnycastPrefixSchema, `${SYSTEM}.prefix.*`);
  const neighbors = await readAll(config, BgpNeighborSchema, `${SYSTEM}.neighbor.*.*`);
  const uplinks = await readAll(config, UplinkSchema, `${SYSTEM}.uplink.*.*`);
  const policies = await readAll(config, RoutePolicySchema, `${SYSTEM}.route-policy.*`);
  const isDamaged = [prefixes, neighbors, uplinks, policies].some(({ damaged }) => damaged.size > 0);
  const before = isDamaged ? await published() : undefined;
  return create(RoutingConfigSchema, {
    prefixes: merged(prefixes, before?.prefixes ?? [], ({ id }) => id),
    neighbors: merged(neighbors, before?.neighbors ?? [], inPop),
    uplinks: merged(uplinks, before?.uplinks ?? [], inPop),
    policies: merged(policies, before?.policies ?? [], ({ id }) => id),
  });
};

export interface Records<T> {
  readonly found: T[];
  /** What came after the kind in the keys of those that cannot be read. */
  readonly damaged: ReadonlySet<string>;
}

const inPop = ({ pop, id }: { readonly pop: string; readonly id: string }): string => `${pop}.${id}`;

export const readAll = async <Desc extends DescMessage>(
  config: Store,
  schema: Desc,
  filter: string,
): Promise<Records<MessageShape<Desc>>> => {
  const damaged = new Set<string>();
  const found = (await config.list(filter)).flatMap((record) => {
    const resource = config.tryRead(schema, record);
    if (resource === undefined) damaged.add(record.key.split('.').slice(2).join('.'));
    return resource ?? [];
  });
  return { found, damaged };
};

export const merged = <T extends { meta?: unknown }>(
  { found, damaged }: Records<T>,
  before: readonly T[],
  nameOf: (resource: T) => string,
): T[] => {
  const all = [...found, ...before.filter((resource) => damaged.has(nameOf(resource)))];
  for (const resource of all) delete resource.meta;
  return all.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
};
