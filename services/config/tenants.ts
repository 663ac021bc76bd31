import { create } from '@bufbuild/protobuf';
import { Code, type ServiceImpl } from '@connectrpc/connect';
import { ConfigKey, configKey, SYSTEM } from '#model/names.ts';
import { type Tenant, TenantSchema, type TenantService } from '#proto/gen/cloudbridge/v1/tenant_pb.ts';
import { apiError } from '#services/api/errors.ts';
import { callerOf } from '#services/authn/authenticate.ts';
import { type Caller, Role } from '#services/authn/caller.ts';
import type { Store } from '#services/store/store.ts';
import { makeChange } from './change.ts';
import { endParent, GuardKey } from './guard.ts';
import { readPage } from './page.ts';
import { alreadyExists, applyMask, makeId, notFound, readRecord, readResource, storeResource } from './resource.ts';
import type { Stores } from './stores.ts';

export const ALL_TENANTS = configKey(SYSTEM, 'tenant', 'x').replace(/x$/, '*');

const CHANGEABLE = new Map<string, keyof Tenant>([
  ['display_name', 'displayName'],
  ['organisation', 'organisation'],
]);

/** @returns the organisation whose tenant-admins may manage the tenant */
export const organisationOf = async (store: Store, tenant: string): Promise<string | undefined> => {
  const record = await store.get(tenantKey(tenant));
  return record === undefined ? undefined : store.read(TenantSchema, record).organisation || undefined;
};

/** @throws NotFound also for what can be no tenant's id */
export const tenantKey = (tenant: string): string => keyOf(() => ConfigKey.tenant(tenant), 'tenant', tenant);

/** Ids in requests may be any text; what can be no key does not exist. */
export const keyOf = (make: () => string, kind: string, id: string): string => {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) throw notFound(kind, id);
    throw error;
  }
};

/** Whether the caller may see it in lists. */
export const maySee = (caller: Caller, tenant: Tenant): boolean =>
  caller.roles.has(Role.operator) || (!!caller.organisation && caller.organisation === tenant.organisation);

export const tenantService = ({ config }: Stores): ServiceImpl<typeof TenantService> => ({
  listTenants: async ({ page }, context) => {
    const caller = callerOf(context);
    const { items, nextPageToken } = await readPage(config, TenantSchema, ALL_TENANTS, page, (tenant) =>
      maySee(caller, tenant),
    );
    return { tenants: items, nextPageToken };
  },

  getTenant: async ({ tenant }) =>
    readResource(config, TenantSchema, await readRecord(config, 'tenant', tenant, tenantKey(tenant))),

  createTenant: (request, context) => {
    const id = request.tenant?.id || makeId('tenant');
    const { displayName = '', organisation = '' } = request.tenant ?? {};
    return makeChange<Tenant>(config, context, request, async () => {
      const key = tenantKey(id);
      const { value, revision } = await config.last(key);
      if (value !== undefined) throw alreadyExists('tenant', id);
      if (revision > 0) {
        // Old events, tokens and logs still speak of the one before.
        throw apiError(
          Code.AlreadyExists,
          'TENANT_ID_USED',
          `tenant ${JSON.stringify(id)} existed before: choose another id`,
        );
      }
      const tenant = create(TenantSchema, { id, displayName, organisation });
      return {
        resource: { key, value: storeResource(TenantSchema, tenant), ifRevision: 0 },
        event: { tenant: id, data: { case: 'tenantCreated', value: tenant } },
        answer: tenant,
      };
    });
  },

  updateTenant: (request, context) =>
    makeChange<Tenant>(config, context, request, async () => {
      const id = request.tenant?.id ?? '';
      const record = await readRecord(config, 'tenant', id, tenantKey(id), request.etag);
      const tenant = readResource(config, TenantSchema, record);
      applyMask(tenant, request.tenant as Tenant, request.updateMask?.paths ?? [], CHANGEABLE, new Map());
      return {
        resource: { key: record.key, value: storeResource(TenantSchema, tenant), ifRevision: record.revision },
        event: { tenant: id, data: { case: 'tenantUpdated', value: tenant } },
        answer: tenant,
      };
    }),

  deleteTenant: (request, context) =>
    makeChange(config, context, request, async () => {
      const id = request.tenant;
      const record = await readRecord(config, 'tenant', id, tenantKey(id), request.etag);
      const guard = await endParent(config, GuardKey.tenant(id), async () => {
        const { records } = await config.page(`${id}.network.*`, 0, 1);
        if (records.length === 0) return;
        const message = `tenant ${JSON.stringify(id)} still has networks: delete them first`;
        throw apiError(Code.FailedPrecondition, 'TENANT_NOT_EMPTY', message);
      });
      return {
        resource: { key: record.key, value: undefined, ifRevision: record.revision },
        others: [guard],
        event: { tenant: id, data: { case: 'tenantDeleted', value: readResource(config, TenantSchema, record) } },
      };
    }),
});
