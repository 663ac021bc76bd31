import { create, toBinary } from '@bufbuild/protobuf';
import { configKey, SYSTEM } from '#model/names.ts';
import { GuardSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import type { Change } from '#services/store/commit.ts';
import type { Store } from '#services/store/store.ts';

/**
 * Keeps a parent from being deleted while somebody adds a child to it. Who adds one changes the parent's guard record,
 * on the condition that the parent is still what it was; who deletes the parent asks that the guard did not change since
 * the children were counted. Children do not get into each other's way.
 */
export const GuardKey = {
  tenant: (tenant: string) => configKey(tenant, 'guard', 'tenant'),
  network: (tenant: string, network: string) => configKey(tenant, 'guard', `network.${network}`),
  /** Of no parent: who gives a device networks behind it looks at those of all others of the tenant first. */
  sites: (tenant: string) => configKey(tenant, 'guard', 'sites'),
  /** Changed by whoever makes a device, on the condition that no device has other networks behind it than were looked at. */
  besideSites: (tenant: string) => configKey(tenant, 'guard', 'beside-sites'),
  pop: (pop: string) => configKey(SYSTEM, 'guard', `pop.${pop}`),
  /** Of a PoP's neighbours: who makes or changes one looks at all others of the PoP first. */
  neighbors: (pop: string) => configKey(SYSTEM, 'guard', `neighbors.${pop}`),
  /** Of no parent: who makes or changes a prefix looks at all others first. */
  prefixes: configKey(SYSTEM, 'guard', 'prefixes'),
  /** Of no parent: who makes, changes or ends a route policy, or has a neighbour use one, looks at all of them first. */
  routePolicies: configKey(SYSTEM, 'guard', 'route-policies'),
  /** The number that the newest worker was given. */
  members: configKey(SYSTEM, 'guard', 'members'),
  zones: configKey(SYSTEM, 'guard', 'zones'),
  places: configKey(SYSTEM, 'guard', 'places'),
} as const;

/** To be committed with the new child. */
export const addChild = (
  guardKey: string,
  parent: { readonly key: string; readonly revision: number },
  child: string,
): Change => ({
  key: guardKey,
  value: toBinary(GuardSchema, create(GuardSchema, { child })),
  requires: { key: parent.key, revision: parent.revision },
});

/**
 * To be committed with what was decided by looking at all records of a kind: nobody else did so meanwhile.
 *
 * @param look is called after the guard was read
 * @throws whatever `look` throws
 */
export const afterLook = async (
  store: Store,
  guardKey: string,
  child: string,
  look: () => Promise<void>,
): Promise<Change> => {
  const { revision } = await store.last(guardKey);
  await look();
  return { key: guardKey, value: toBinary(GuardSchema, create(GuardSchema, { child })), ifRevision: revision };
};

/**
 * To be committed with the end of the parent.
 *
 * @param countChildren is called after the guard was read, so that whoever comes later is noticed
 * @throws whatever `countChildren` throws when there are some
 */
export const endParent = async (
  store: Store,
  guardKey: string,
  countChildren: () => Promise<void>,
): Promise<Change> => {
  const { revision } = await store.last(guardKey);
  await countChildren();
  return { key: guardKey, value: undefined, ifRevision: revision };
};
