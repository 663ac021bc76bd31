import { create } from '@bufbuild/protobuf';
import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import { isId, StatusKey } from '#model/names.ts';
import type { Presence } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import type { WireguardPeer } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import {
  type Site,
  type SiteReach,
  SiteSchema,
  SiteState,
  type SiteTunnel,
  SiteTunnelSchema,
  TunnelState,
} from '#proto/gen/cloudbridge/v1/site_pb.ts';
import type { Store } from '#services/store/store.ts';
import { presenceIn, readWorkers } from './whereabouts.ts';

/** Ranks from here on are of who is the last choice (`SiteReach.rank`). */
const LAST_CHOICE = 256;

/** A device of a site at a worker. */
export type Reported = Presence & { readonly site: SiteReach };

const isReported = (presence: Presence): presence is Reported => isId(presence.site?.site ?? '');

const msOf = (time: Timestamp | undefined): number => (time === undefined ? 0 : timestampMs(time));

/** A device that moved is where it came last, unless that worker is silent and another one is heard. */
const isNearer = (a: Reported, b: Reported): boolean =>
  a.workerSilent === b.workerSilent ? msOf(a.since) > msOf(b.since) : b.workerSilent;

/** What workers say of sites' devices, of each at one worker. @param tenant `*`: of all */
export const readReported = async (status: Store, tenant: string): Promise<Reported[]> => {
  const records = await status.list(StatusKey.site(tenant, '*', '*', '*'));
  if (records.length === 0) return [];
  const nearest = new Map<string, Reported>();
  for (const each of presenceIn(status, records, await readWorkers(status)).filter(isReported)) {
    const name = `${each.tenant}/${each.device}`;
    const other = nearest.get(name);
    if (other === undefined || isNearer(each, other)) nearest.set(name, each);
  }
  return [...nearest.values()];
};

/**
 * By which of its devices a site is reached, as workers decide it: the lowest rank, and of equal ones who came last.
 *
 * @param all of one site
 */
export const activeOf = (all: readonly Reported[]): Reported | undefined => {
  const able = all.filter(({ site, workerSilent }) => !workerSilent && site.state !== TunnelState.LOST);
  return able.sort((a, b) => a.site.rank - b.site.rank || msOf(b.since) - msOf(a.since))[0];
};

const tunnelOf = (peer: WireguardPeer, reported: Reported | undefined, isActive: boolean): SiteTunnel => {
  const { device, metric } = peer;
  if (reported === undefined) return create(SiteTunnelSchema, { device, metric, state: TunnelState.AWAY });
  const { pop, worker, workerSilent, site } = reported;
  const { state, since, rank } = site;
  return create(SiteTunnelSchema, {
    ...{ device, metric, pop, worker, workerSilent, state, active: isActive, lastChoice: rank >= LAST_CHOICE },
    ...(since && { since }),
  });
};

/** @param peers the site's devices, as they are set up @param reported what workers say of any */
export const siteOf = (
  tenant: string,
  id: string,
  peers: readonly WireguardPeer[],
  reported: readonly Reported[],
): Site => {
  const own = reported.filter((each) => each.site.site === id && peers.some(({ device }) => device === each.device));
  const active = activeOf(own);
  const tunnels = peers.map((peer) => {
    const found = own.find(({ device }) => device === peer.device);
    return tunnelOf(peer, found, found !== undefined && found === active);
  });
  return create(SiteSchema, {
    ...{ tenant, id, tunnels, state: active === undefined ? SiteState.DOWN : SiteState.UP },
    networks: [...new Set(peers.flatMap(({ networks }) => networks))].sort(),
    ...(active && { device: active.device, pop: active.pop, worker: active.worker }),
  });
};
