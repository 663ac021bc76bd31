import { Role } from './caller.ts';

/**
 * `operator`: operators only. `tenant`: also the tenant-admins of the organisation that the request's `tenant` belongs to.
 * `own`: every caller with a role; the handler shows each only what is its own. `self`: everybody who is signed in; the
 * handler decides by the subject.
 */
export type Permission = 'operator' | 'tenant' | 'own' | 'self';

/** Who may call what, by `<service>/<method>` of `cloudbridge.v1`. What is not listed nobody may call. */
export const PERMISSIONS: ReadonlyMap<string, Permission> = new Map([
  ['TenantService/ListTenants', 'own'],
  ['TenantService/GetTenant', 'tenant'],
  ['TenantService/CreateTenant', 'operator'],
  ['TenantService/UpdateTenant', 'operator'],
  ['TenantService/DeleteTenant', 'operator'],
  ['NetworkService/ListNetworks', 'tenant'],
  ['NetworkService/GetNetwork', 'tenant'],
  ['NetworkService/CreateNetwork', 'tenant'],
  ['NetworkService/UpdateNetwork', 'tenant'],
  ['NetworkService/DeleteNetwork', 'tenant'],
  ['DeviceService/ListDevices', 'tenant'],
  ['DeviceService/GetDevice', 'tenant'],
  ['DeviceService/CreateDevice', 'tenant'],
  ['DeviceService/UpdateDevice', 'tenant'],
  ['DeviceService/DeleteDevice', 'tenant'],
  ['DeviceService/RevokeDevice', 'tenant'],
  ['TokenService/IssueToken', 'self'],
  ['TokenService/RevokeToken', 'tenant'],
  ['PopService/ListPops', 'operator'],
  ['PopService/GetPop', 'operator'],
  ['PopService/CreatePop', 'operator'],
  ['PopService/UpdatePop', 'operator'],
  ['PopService/DeletePop', 'operator'],
  ['PopService/DrainPop', 'operator'],
  ['PopService/UndrainPop', 'operator'],
  ['PopService/ListWorkers', 'operator'],
  ['PopService/GetWorker', 'operator'],
  ['PopService/CreateWorker', 'operator'],
  ['PopService/UpdateWorker', 'operator'],
  ['PopService/DeleteWorker', 'operator'],
  ['PopService/DrainWorker', 'operator'],
  ['PopService/UndrainWorker', 'operator'],
  ['RoutingService/ListAnycastPrefixes', 'operator'],
  ['RoutingService/GetAnycastPrefix', 'operator'],
  ['RoutingService/CreateAnycastPrefix', 'operator'],
  ['RoutingService/UpdateAnycastPrefix', 'operator'],
  ['RoutingService/DeleteAnycastPrefix', 'operator'],
  ['RoutingService/ListBgpNeighbors', 'operator'],
  ['RoutingService/GetBgpNeighbor', 'operator'],
  ['RoutingService/CreateBgpNeighbor', 'operator'],
  ['RoutingService/UpdateBgpNeighbor', 'operator'],
  ['RoutingService/DeleteBgpNeighbor', 'operator'],
  ['RoutingService/ListUplinks', 'operator'],
  ['RoutingService/GetUplink', 'operator'],
  ['RoutingService/CreateUplink', 'operator'],
  ['RoutingService/UpdateUplink', 'operator'],
  ['RoutingService/DeleteUplink', 'operator'],
  ['DnsService/ListDnsZones', 'operator'],
  ['DnsService/GetDnsZone', 'operator'],
  ['DnsService/CreateDnsZone', 'operator'],
  ['DnsService/UpdateDnsZone', 'operator'],
  ['DnsService/DeleteDnsZone', 'operator'],
  ['DnsService/ListDnsPlaces', 'operator'],
  ['DnsService/GetDnsPlace', 'operator'],
  ['DnsService/CreateDnsPlace', 'operator'],
  ['DnsService/UpdateDnsPlace', 'operator'],
  ['DnsService/DeleteDnsPlace', 'operator'],
  ['RevisionService/ListRevisions', 'operator'],
  ['RevisionService/GetRevision', 'operator'],
  ['RevisionService/ForceRevision', 'operator'],
  ['EventService/WatchEvents', 'own'],
] as const);

/** Roles that a permission is open to; undefined: whoever is signed in. */
export const ROLES_OF: Readonly<Record<Permission, ReadonlySet<string> | undefined>> = {
  operator: new Set([Role.operator]),
  tenant: new Set([Role.operator, Role.tenantAdmin]),
  own: new Set([Role.operator, Role.tenantAdmin]),
  self: undefined,
};
