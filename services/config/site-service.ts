import type { ServiceImpl } from '@connectrpc/connect';
import { ConfigKey } from '#model/names.ts';
import type { PageRequest } from '#proto/gen/cloudbridge/v1/common_pb.ts';
import { type WireguardPeer, WireguardPeerSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import type { SiteService } from '#proto/gen/cloudbridge/v1/site_pb.ts';
import { badRequest } from '#services/api/errors.ts';
import type { Store } from '#services/store/store.ts';
import { notFound, readRecord } from './resource.ts';
import { readReported, siteOf } from './site-state.ts';
import type { Stores } from './stores.ts';
import { keyOf, tenantKey } from './tenants.ts';

const DEFAULT_SIZE = 100;

/** Devices of a tenant's sites by the names of these, in the order of both. */
const devicesOf = async (config: Store, tenant: string): Promise<ReadonlyMap<string, readonly WireguardPeer[]>> => {
  const sites = new Map<string, WireguardPeer[]>();
  for (const record of await config.list(ConfigKey.wireguardPeer(tenant, 'x').replace(/x$/, '*'))) {
    const peer = config.tryRead(WireguardPeerSchema, record);
    if (peer === undefined || peer.site === '') continue;
    sites.set(peer.site, [...(sites.get(peer.site) ?? []), peer]);
  }
  return new Map([...sites].sort(([a], [b]) => (a < b ? -1 : 1)));
};

/** Sites come and go while somebody reads page after page: a page begins behind a name, whether that is still there or not. */
const afterToken = (tenant: string, { token = '' }: Partial<PageRequest>): string => {
  if (token === '') return '';
  const [, of, after] = /^site\.([a-z0-9-]{1,40})\.([a-z0-9-]{1,40})$/.exec(token) ?? [];
  if (of === tenant && after !== undefined) return after;
  throw badRequest(
    [{ field: 'page.token', description: 'is not from the answer before of this very list' }],
    'PAGE_TOKEN_INVALID',
  );
};

export const siteService = ({ config, status }: Stores): ServiceImpl<typeof SiteService> => ({
  listSites: async ({ tenant, page }) => {
    await readRecord(config, 'tenant', tenant, tenantKey(tenant));
    const after = afterToken(tenant, page ?? {});
    const left = [...(await devicesOf(config, tenant))].filter(([id]) => id > after);
    const shown = left.slice(0, page?.size || DEFAULT_SIZE);
    const reported = shown.length === 0 ? [] : await readReported(status, tenant);
    const last = shown.at(-1)?.[0] ?? '';
    return {
      sites: shown.map(([id, devices]) => siteOf(tenant, id, devices, reported)),
      nextPageToken: shown.length < left.length ? `site.${tenant}.${last}` : '',
    };
  },

  getSite: async ({ tenant, site: id }) => {
    keyOf(() => ConfigKey.site(tenant, id), 'site', id);
    const devices = (await devicesOf(config, tenant)).get(id);
    if (devices === undefined) throw notFound('site', id);
    return siteOf(tenant, id, devices, await readReported(status, tenant));
  },
});
