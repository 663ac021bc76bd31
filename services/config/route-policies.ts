import { create } from '@bufbuild/protobuf';
import { Code, type ServiceImpl } from '@connectrpc/connect';
import { ConfigKey, configKey, SYSTEM } from '#model/names.ts';
import { policyProblems, readRoutePolicies, referenceProblem } from '#model/route-policies.ts';
import type { PolicyProblem } from '#model/route-policy-words.ts';
import { type RoutePolicy, RoutePolicySchema } from '#proto/gen/cloudbridge/v1/route_policy_pb.ts';
import { type BgpNeighbor, BgpNeighborSchema, type RoutingService } from '#proto/gen/cloudbridge/v1/routing_pb.ts';
import { apiError, badRequest } from '#services/api/errors.ts';
import type { Change } from '#services/store/commit.ts';
import type { Store } from '#services/store/store.ts';
import { makeChange } from './change.ts';
import { afterLook, GuardKey } from './guard.ts';
import { readPage } from './page.ts';
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
import type { Stores } from './stores.ts';
import { keyOf } from './tenants.ts';

const KIND = 'route policy';
const ALL = configKey(SYSTEM, 'route-policy', 'x').replace(/x$/, '*');
const ALL_NEIGHBORS = configKey(SYSTEM, 'neighbor', 'x.x').replace(/x\.x$/, '*.*');
const CHANGEABLE = changeable(RoutePolicySchema, ['id']);

/** Of one answer. */
const MOST_VIOLATIONS = 20;

const policyKey = (id: string): string => keyOf(() => ConfigKey.routePolicy(id), KIND, id);
const read = (config: Store, id: string, etag?: string) => readRecord(config, KIND, id, policyKey(id), etag);

const readAll = async (config: Store): Promise<RoutePolicy[]> =>
  (await config.list(ALL)).flatMap((record) => config.tryRead(RoutePolicySchema, record) ?? []);

const readNeighbors = async (config: Store): Promise<BgpNeighbor[]> =>
  (await config.list(ALL_NEIGHBORS)).flatMap((record) => config.tryRead(BgpNeighborSchema, record) ?? []);

const WAYS = [
  ['import', 'importPolicy', 'import_policy'],
  ['export', 'exportPolicy', 'export_policy'],
] as const;

/** A neighbour's policies have to be there, and stay there. @throws InvalidArgument */
export const lookForPolicies = async (config: Store, neighbor: BgpNeighbor): Promise<readonly Change[]> => {
  const wanted = WAYS.filter(([, field]) => neighbor[field] !== '');
  if (wanted.length === 0) return [];
  const look = async (): Promise<void> => {
    const policies = readRoutePolicies(await readAll(config));
    const violations = wanted.flatMap(([way, field, name]) => {
      const description = referenceProblem(policies, way, neighbor[field]);
      return description === undefined ? [] : [{ field: `neighbor.${name}`, description }];
    });
    if (violations.length > 0) throw badRequest(violations);
  };
  return [await afterLook(config, GuardKey.routePolicies, neighbor.id, look)];
};

/** What is wrong with policies, and with neighbours that have them. */
const problemsOf = (policies: readonly RoutePolicy[], neighbors: readonly BgpNeighbor[]): PolicyProblem[] => {
  const known = readRoutePolicies(policies);
  return [
    ...policyProblems(policies, known),
    ...neighbors.flatMap(({ pop, id, importPolicy: policy }) => {
      const wrong = policy === '' ? undefined : referenceProblem(known, 'import', policy);
      return wrong === undefined
        ? []
        : [
            {
              policy,
              field: 'rules',
              description: `neighbor ${JSON.stringify(`${pop}/${id}`)} imports by it: ${wrong}`,
            },
          ];
    }),
  ];
};

/**
 * Refuses a policy that cannot be used, and one that those which call it, or import by it, could not be used with.
 *
 * @throws InvalidArgument that names rules and fields
 */
const refuseProblems = (
  policy: RoutePolicy,
  others: readonly RoutePolicy[],
  neighbors: readonly BgpNeighbor[],
): void => {
  const before = new Set(problemsOf(others, neighbors).map((problem) => JSON.stringify(problem)));
  const rest = others.filter(({ id }) => id !== policy.id);
  const violations = problemsOf([...rest, policy], neighbors)
    // What is wrong with another one already is no reason to refuse this one.
    .filter((problem) => problem.policy === policy.id || !before.has(JSON.stringify(problem)))
    .map(({ policy: of, field, description }) =>
      of === policy.id
        ? { field: `policy.${field}`, description }
        : { field: 'policy', description: `${KIND} ${JSON.stringify(of)} could not be used with it: ${description}` },
    );
  if (violations.length > 0) throw badRequest(violations.slice(0, MOST_VIOLATIONS));
};

const checked = (config: Store, policy: RoutePolicy): Promise<Change> => {
  refuseMissing(RoutePolicySchema, policy, 'policy', ['rules']);
  return afterLook(config, GuardKey.routePolicies, policy.id, async () =>
    refuseProblems(policy, await readAll(config), await readNeighbors(config)),
  );
};

/** @throws FailedPrecondition when somebody has it */
const refuseUsed = async (config: Store, id: string): Promise<void> => {
  const neighbor = (await readNeighbors(config)).find((one) => WAYS.some(([, field]) => one[field] === id));
  const caller = (await readAll(config)).find((one) => one.id !== id && one.rules.some(({ call }) => call === id));
  const user =
    neighbor === undefined
      ? caller && `${KIND} ${JSON.stringify(caller.id)} calls it`
      : `neighbor ${JSON.stringify(`${neighbor.pop}/${neighbor.id}`)} has it`;
  if (user === undefined) return;
  const message = `${KIND} ${JSON.stringify(id)} is in use: ${user}; change that first`;
  throw apiError(Code.FailedPrecondition, 'ROUTE_POLICY_IN_USE', message);
};

type PolicyMethods = Extract<keyof ServiceImpl<typeof RoutingService>, `${string}RoutePolic${string}`>;

export const routePolicyMethods = ({ config }: Stores): Pick<ServiceImpl<typeof RoutingService>, PolicyMethods> => ({
  listRoutePolicies: async ({ page }) => {
    const { items, nextPageToken } = await readPage(config, RoutePolicySchema, ALL, page);
    return { policies: items, nextPageToken };
  },

  getRoutePolicy: async ({ policy }) => readResource(config, RoutePolicySchema, await read(config, policy)),

  createRoutePolicy: (request, context) => {
    const given = request.policy as RoutePolicy;
    const id = given.id || makeId('policy');
    return makeChange<RoutePolicy>(config, context, request, async () => {
      const key = policyKey(id);
      const ifRevision = mustBeNew(await config.last(key), KIND, id);
      const policy = create(RoutePolicySchema);
      applyMask(policy, given, [...CHANGEABLE.keys()], CHANGEABLE, new Map());
      policy.id = id;
      const look = await checked(config, policy);
      return {
        resource: { key, value: storeResource(RoutePolicySchema, policy), ifRevision },
        others: [look],
        event: { tenant: SYSTEM, data: { case: 'routePolicyCreated', value: policy } },
        answer: policy,
      };
    });
  },

  updateRoutePolicy: (request, context) =>
    makeChange<RoutePolicy>(config, context, request, async () => {
      const record = await read(config, request.policy?.id ?? '', request.etag);
      const policy = readResource(config, RoutePolicySchema, record);
      applyMask(policy, request.policy as RoutePolicy, request.updateMask?.paths ?? [], CHANGEABLE, new Map());
      const look = await checked(config, policy);
      return {
        resource: { key: record.key, value: storeResource(RoutePolicySchema, policy), ifRevision: record.revision },
        others: [look],
        event: { tenant: SYSTEM, data: { case: 'routePolicyUpdated', value: policy } },
        answer: policy,
      };
    }),

  deleteRoutePolicy: (request, context) =>
    makeChange(config, context, request, async () => {
      const record = await read(config, request.policy, request.etag);
      const policy = readResource(config, RoutePolicySchema, record);
      const look = await afterLook(config, GuardKey.routePolicies, policy.id, () => refuseUsed(config, policy.id));
      return {
        resource: { key: record.key, value: undefined, ifRevision: record.revision },
        others: [look],
        event: { tenant: SYSTEM, data: { case: 'routePolicyDeleted', value: policy } },
      };
    }),
});
