import { fromJson, type JsonObject } from '@bufbuild/protobuf';
import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import type { WorkerAnycastStatus } from '#pop-worker/anycast/worker-anycast.ts';
import type { MeshPeerStatus, MeshStatus } from '#pop-worker/mesh/messages.ts';
import type { BfdPathStatus, BfdStatus } from '#pop-worker/routing/bfd/service.ts';
import type { NeighbourStatus } from '#pop-worker/routing/bgp/status.ts';
import type { WorkerDnsStatus } from '#pop-worker/worker-dns.ts';
import { type ControlContact, ControlContactSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { ageText } from '#telemetry/age.ts';
import { anycastRows } from './anycast-rows.ts';

export type Row = readonly [name: string, value: string];

/** What a worker answers to `status`; the control plane is absent where it has none. */
export interface WorkerAnswer {
  readonly pop: string;
  readonly worker: string;
  readonly version: string;
  readonly state: string;
  readonly reason?: string;
  readonly orders: { readonly controlPlane: string; readonly local: string };
  readonly healthy: boolean;
  readonly upSeconds: number;
  readonly sessions: number;
  readonly connections: number;
  readonly tenants: number;
  readonly bfd?: BfdStatus;
  readonly anycast?: WorkerAnycastStatus;
  readonly dns?: WorkerDnsStatus;
  readonly mesh?: MeshStatus;
  readonly control?: JsonObject & {
    readonly revision: string;
    readonly fromDisk: boolean;
    /** Files that were damaged at the start, and what was taken instead: `previous` or `nothing`. */
    readonly fallbacks?: Readonly<Record<string, string>>;
  };
}

const ago = (time: Timestamp | undefined, nowMs: number, never: string): string =>
  time === undefined ? never : `${ageText(nowMs - timestampMs(time))} ago`;

/** Who keeps it from serving as usual. */
export const ordersOf = ({ controlPlane, local }: WorkerAnswer['orders']): string[] => {
  if (local === 'undrain') return ["undrained at this machine against the control plane's drain"];
  return [
    ...(controlPlane === 'serve' ? [] : [`${controlPlane} by the control plane`]),
    ...(local === 'serve' ? [] : [`${local} at its machine`]),
  ];
};

/** What it knows of its control plane. */
export const contactOf = (control: NonNullable<WorkerAnswer['control']>): ControlContact =>
  // The revision in force stands beside it.
  fromJson(ControlContactSchema, control, { ignoreUnknownFields: true });

const revisionText = (number: string, fromDisk: boolean, expires: Timestamp | undefined, nowMs: number): string => {
  if (number === '0') return 'none yet';
  const leftMs = expires === undefined ? 0 : timestampMs(expires) - nowMs;
  const end = leftMs > 0 ? `runs out in ${ageText(leftMs)}` : `ran out ${ageText(-leftMs)} ago`;
  return `${number}${fromDisk ? ' from disk' : ''}, ${end}`;
};

const controlRows = (control: NonNullable<WorkerAnswer['control']>, nowMs: number): Row[] => {
  const { revision, fromDisk, fallbacks = {} } = control;
  const fallen = Object.entries(fallbacks).map(
    ([file, instead]) => `${file} was damaged: began with ${instead === 'previous' ? 'the one before' : 'nothing'}`,
  );
  const contact = contactOf(control);
  const since = contact.since === undefined ? 0 : nowMs - timestampMs(contact.since);
  const refusals = Object.entries(contact.refusedRevisions).map(([reason, count]) => `${count} ${reason}`);
  const { refusedRevision, lastError, lastErrorTime } = contact;
  return [
    ['control plane', `${contact.connected ? 'connected' : 'not connected'} for ${ageText(since)}`],
    ['last contact', ago(contact.lastContactTime, nowMs, 'never')],
    ['reconnects', `${contact.reconnects}`],
    ['membership', ago(contact.membershipTime, nowMs, 'not known yet').replace(/^(?=\d)/, 'as of ')],
    ['revision', revisionText(revision, fromDisk, contact.revisionExpireTime, nowMs)],
    ['refused revisions', refusals.join(', ') || '0'],
    ...(refusedRevision === '' ? [] : ([['newest refused', refusedRevision]] as const)),
    ...(fallen.length === 0 ? [] : ([['state files', fallen.join(', ')]] as const)),
    ['unreadable records', `${contact.unreadableRecords}`],
    ['lost events', `${contact.lostEvents}`],
    ['last error', lastError === '' ? 'none' : `${lastError} (${ago(lastErrorTime, nowMs, '')})`],
  ];
};

const pathRow = (path: BfdPathStatus): Row => {
  const { remote, state, sinceSeconds, detectionMs, diagnostic, remoteDiagnostic, failures, problem } = path;
  const parts = [
    `${state.replace('_', ' ')} for ${ageText(sinceSeconds * 1000)}`,
    ...(state === 'up' ? [`silence noticed in ${detectionMs} ms`] : [diagnostic, `neighbour: ${remoteDiagnostic}`]),
    `${failures} failures`,
  ];
  return [`BFD ${remote}`, problem ?? parts.join(', ')];
};

const countText = ({ realtime, late }: BfdStatus, states: readonly string[]): string =>
  [
    `${states.filter((state) => state === 'up').length} of ${states.length} paths up`,
    ...(realtime ? [] : ['without real-time priority']),
    ...(late === 0 ? [] : [`threads late ${late} times`]),
  ].join(', ');

/** Paths of the worker's file have rows; those to BGP neighbours are in the rows of these, and counted here. */
const bfdRows = (bfd: BfdStatus, neighbors: readonly NeighbourStatus[]): Row[] => {
  const { heldBy, paths } = bfd;
  const states = [...paths.map(({ state }) => state), ...neighbors.flatMap((one) => one.bfd?.state ?? [])];
  const text = heldBy === undefined ? countText(bfd, states) : `all held down: a ${heldBy} thread is stuck`;
  return [['BFD', text], ...paths.map(pathRow)];
};

const peerText = (
  { isLinked, isDead, rttMs, loss, via, costMs, problem }: MeshPeerStatus,
  nameOf: (member: number) => string,
): string => {
  if (isDead) return 'dead, as a majority says';
  const way = via > 0 ? `through ${nameOf(via)}, ${costMs?.toFixed(1)} ms` : via < 0 ? 'not to be reached' : undefined;
  if (!isLinked) return [`no link: ${problem ?? 'not yet'}`, way].filter((part) => part !== undefined).join('; ');
  return [
    `${rttMs === undefined ? 'not measured yet' : `${rttMs.toFixed(1)} ms`}, ${(100 * loss).toFixed(1)} % lost`,
    way,
  ]
    .filter((part) => part !== undefined)
    .join('; ');
};

const meshRows = ({ holdsLease, devices, ownDevices, peers }: MeshStatus): Row[] => {
  const nameOf = (member: number): string => peers.find((peer) => peer.member === member)?.name ?? `worker ${member}`;
  return [
    [
      'mesh',
      `${peers.filter(({ isLinked }) => isLinked).length} of ${peers.length} links; ${holdsLease ? 'a majority hears this worker' : 'no majority hears this worker'}`,
    ],
    ['devices known', `${devices}, ${ownDevices} of them here`],
    ...peers.map((peer): Row => [`mesh ${peer.name}`, peerText(peer, nameOf)]),
  ];
};

const dnsRows = ({ zones, pops }: WorkerDnsStatus): Row[] => [
  ['DNS zones', zones.join(', ') || 'none'],
  ['names do not lead to', pops.flatMap(({ id, isWell }) => (isWell ? [] : [id])).join(', ') || 'nobody: all are well'],
];

/** A worker's answer for people. @param nowMs milliseconds since 1970 by this machine's clock, which is the worker's too */
export const workerRows = (answer: WorkerAnswer, nowMs: number): Row[] => [
  ['pop', answer.pop],
  ['worker', answer.worker],
  ['version', answer.version],
  ['state', answer.reason === undefined ? answer.state : `${answer.state}: ${answer.reason}`],
  ['orders', ordersOf(answer.orders).join(', ') || 'none'],
  ['data plane', answer.healthy ? 'answers' : 'does not answer'],
  ['up for', ageText(answer.upSeconds * 1000)],
  ['sessions', `${answer.sessions}`],
  ['connections', `${answer.connections}`],
  ['tenants', `${answer.tenants}`],
  ...(answer.anycast === undefined ? [] : anycastRows(answer.anycast)),
  ...(answer.bfd === undefined ? [] : bfdRows(answer.bfd, answer.anycast?.neighbors ?? [])),
  ...(answer.mesh === undefined ? [] : meshRows(answer.mesh)),
  ...(answer.dns === undefined ? [] : dnsRows(answer.dns)),
  ...(answer.control === undefined
    ? ([['control plane', 'none: it serves what its own file says']] as const)
    : controlRows(answer.control, nowMs)),
];
