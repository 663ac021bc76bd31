import { create } from '@bufbuild/protobuf';
import { SYSTEM } from '#model/names.ts';
import { DnsPlaceSchema, DnsZoneSchema } from '#proto/gen/cloudbridge/v1/dns_pb.ts';
import { PopSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { type DnsConfig, DnsConfigSchema } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import type { Store } from '#services/store/store.ts';
import { merged, readAll } from './published-routing.ts';

const idOf = ({ id }: { readonly id: string }): string => id;

/**
 * What names lead to, as it goes into a revision.
 *
 * @param published of the revision before: what a damaged record said there holds on
 * @returns undefined: there is no zone, so that nobody needs the rest
 */
export const readDns = async (
  config: Store,
  published: () => Promise<DnsConfig | undefined>,
): Promise<DnsConfig | undefined> => {
  const zones = await readAll(config, DnsZoneSchema, `${SYSTEM}.zone.*`);
  if (zones.found.length === 0 && zones.damaged.size === 0) return undefined;
  const places = await readAll(config, DnsPlaceSchema, `${SYSTEM}.place.*`);
  const pops = await readAll(config, PopSchema, `${SYSTEM}.pop.*`);
  const isDamaged = [zones, places, pops].some(({ damaged }) => damaged.size > 0);
  const before = isDamaged ? await published() : undefined;
  return create(DnsConfigSchema, {
    zones: merged(zones, before?.zones ?? [], idOf),
    places: merged(places, before?.places ?? [], idOf),
    pops: merged(pops, before?.pops ?? [], idOf).map(({ id, latitude, longitude, addresses }) => ({
      ...{ id, latitude, longitude, addresses },
    })),
  });
};
