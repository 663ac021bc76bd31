import { addressOf } from '#host/udp/address.ts';
import type { WireGuardPeer } from '#model/wireguard-peer.ts';

/** What is another in a record of the same peer. */
export interface RecordChanges {
  /** What it may do, and what lies behind it. */
  readonly isOtherRight: boolean;
  readonly isOtherSite: boolean;
  readonly isOtherProbe: boolean;
  readonly isOtherKeepalive: boolean;
  readonly isOtherPlace: boolean;
  /** Where it is reached from now on by a worker that begins; undefined: as before, or nowhere. */
  readonly place: Int32Array | undefined;
}

type Sources = Pick<WireGuardPeer, 'sources'>;

export const hasSameSources = ({ sources: a }: Sources, { sources: b }: Sources): boolean =>
  a.length === b.length && a.every((one, i) => one === b[i]);

/** @throws RangeError when the place is no address */
export const changesOf = (before: WireGuardPeer, record: WireGuardPeer): RecordChanges => {
  const { endpoint } = record;
  const isOtherPlace = before.endpoint?.address !== endpoint?.address || before.endpoint?.port !== endpoint?.port;
  const isOtherProbe = before.probe !== record.probe;
  return {
    ...{ isOtherPlace, isOtherProbe },
    isOtherRight: before.egress !== record.egress || !hasSameSources(before, record),
    isOtherSite: isOtherProbe || before.site !== record.site || before.metric !== record.metric,
    isOtherKeepalive: before.keepaliveSeconds !== record.keepaliveSeconds,
    place: isOtherPlace && endpoint !== undefined ? addressOf(endpoint.address, endpoint.port) : undefined,
  };
};
