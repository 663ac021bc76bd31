import { create } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type ControlContact, ControlContactSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import type { Contact } from './contact.ts';
import type { DesiredState } from './desired-state.ts';
import type { KeptFile } from './kept-file.ts';
import type { Membership } from './membership.ts';
import type { Revisions } from './revisions.ts';
import type { Status } from './status.ts';
import type { WireguardPeers } from './wireguard-peers.ts';

/** What a worker knows of its control plane, as it tells it at its own machine and to the control plane. */
export interface ControlView {
  /** In force; 0: none. */
  readonly revision: bigint;
  readonly fromDisk: boolean;
  readonly contact: ControlContact;
  /** How many WireGuard peers cannot be used, by the reason. */
  readonly refusedPeers: WireguardPeers['refused'];
  /** How many have a preshared key that is sealed to the edge's key before the newest. */
  readonly previousKeyPeers: number;
  /** How long nothing has been heard of it; since the start, if nothing ever was. */
  readonly silentMs: number;
  /** How the files fare that it would start from without control plane. */
  readonly disk: Readonly<
    Record<'membership' | 'revision', Pick<KeptFile, 'failures' | 'failingSinceMs' | 'fallback'>>
  >;
}

export interface ControlParts {
  readonly contact: Contact;
  readonly membership: Pick<Membership, 'asOfMs' | 'unreadable' | 'kept'>;
  readonly revisions: Pick<Revisions, 'applied' | 'refusals' | 'refused' | 'kept'>;
  readonly status: Pick<Status, 'dropped'>;
  readonly state: Pick<DesiredState, 'peers'>;
  /** Undefined: nobody comes by WireGuard here. */
  readonly peers: Pick<WireguardPeers, 'refused' | 'previousCount'> | undefined;
}

const maybe = <K extends string>(name: K, ms: number | undefined) =>
  (ms === undefined ? {} : { [name]: timestampFromMs(ms) }) as { readonly [name in K]?: Timestamp };

const NONE: NonNullable<ControlParts['peers']> = { refused: new Map(), previousCount: 0 };

export const describeControl = ({
  contact,
  membership,
  revisions,
  status,
  state,
  peers,
}: ControlParts): ControlView => {
  const { refused: refusedPeers, previousCount: previousKeyPeers } = peers ?? NONE;
  const { applied, refusals, refused } = revisions;
  const { connected, sinceMs, heardMs, reconnects, lastError } = contact;
  return {
    revision: applied?.number ?? 0n,
    fromDisk: applied?.fromDisk ?? false,
    silentMs: contact.silentMs,
    refusedPeers,
    previousKeyPeers,
    disk: { membership: membership.kept, revision: revisions.kept },
    contact: create(ControlContactSchema, {
      connected,
      since: timestampFromMs(sinceMs),
      ...maybe('lastContactTime', heardMs),
      reconnects,
      ...maybe('membershipTime', membership.asOfMs),
      unreadableRecords: membership.unreadable,
      ...maybe('revisionExpireTime', applied?.expiresMs),
      refusedRevisions: Object.fromEntries(refusals),
      refusedRevision: refused ?? '',
      lostEvents: status.dropped,
      peers: state.peers.size,
      refusedPeers: [...refusedPeers.values()].reduce((sum, count) => sum + count, 0),
      lastError: lastError?.message ?? '',
      ...maybe('lastErrorTime', lastError?.atMs),
    }),
  };
};
