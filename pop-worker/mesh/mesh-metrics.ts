import { bootUs } from '#host/clock/clock.ts';
import { slotOf } from '#telemetry/slots.ts';
import type { MeshRunner } from './mesh-runner.ts';
import { MESH_DROPS } from './packets.ts';

const LEASE = slotOf('cloudbridge_mesh_lease_held_count', {});
const MEMBERS = {
  linked: slotOf('cloudbridge_mesh_members_count', { state: 'linked' }),
  unlinked: slotOf('cloudbridge_mesh_members_count', { state: 'unlinked' }),
  dead: slotOf('cloudbridge_mesh_members_count', { state: 'dead' }),
};
const RELAYED_PATHS = slotOf('cloudbridge_mesh_relayed_paths_count', {});
const DEVICES = {
  here: slotOf('cloudbridge_mesh_devices_count', { place: 'here' }),
  elsewhere: slotOf('cloudbridge_mesh_devices_count', { place: 'elsewhere' }),
};
const RELAYED_FRAMES = {
  passed: slotOf('cloudbridge_mesh_relayed_frames_total', { outcome: 'passed' }),
  dropped: slotOf('cloudbridge_mesh_relayed_frames_total', { outcome: 'dropped' }),
};
const PACKETS = {
  sent: slotOf('cloudbridge_mesh_packets_total', { direction: 'sent' }),
  received: slotOf('cloudbridge_mesh_packets_total', { direction: 'received' }),
  relayed: slotOf('cloudbridge_mesh_packets_total', { direction: 'relayed' }),
};
const HALVED = {
  cut: slotOf('cloudbridge_mesh_halved_packets_total', { event: 'cut' }),
  joined: slotOf('cloudbridge_mesh_halved_packets_total', { event: 'joined' }),
  lost: slotOf('cloudbridge_mesh_halved_packets_total', { event: 'lost' }),
};
const BYTES = {
  sent: slotOf('cloudbridge_mesh_bytes_total', { direction: 'sent' }),
  received: slotOf('cloudbridge_mesh_bytes_total', { direction: 'received' }),
};
const DROPS = MESH_DROPS.map(
  (reason) => [reason, slotOf('cloudbridge_mesh_dropped_packets_total', { reason })] as const,
);
const ARRIVALS = (['none', 'current', 'older', 'newer', 'unknown'] as const).map(
  (ticket) => [ticket, slotOf('cloudbridge_mesh_arrivals_total', { ticket })] as const,
);
const RECORDS = slotOf('cloudbridge_mesh_records_total', {});
const SESSIONS = slotOf('cloudbridge_mesh_nat44_sessions_count', {});
const SESSION_EVENTS = (['sent', 'received', 'asked', 'answered', 'unanswered', 'lost'] as const).map(
  (event) => [event, slotOf('cloudbridge_mesh_nat44_messages_total', { event })] as const,
);
const SESSIONS_REFUSED = slotOf('cloudbridge_mesh_nat44_messages_total', { event: 'refused' });
const FILTERS = slotOf('cloudbridge_mesh_filters_count', {});
const FILTER_EVENTS = (['sent', 'received', 'asked', 'answered', 'unanswered', 'lost'] as const).map(
  (event) => [event, slotOf('cloudbridge_mesh_filter_messages_total', { event })] as const,
);
const FILTERS_REFUSED = slotOf('cloudbridge_mesh_filter_messages_total', { event: 'refused' });
const LOANS = slotOf('cloudbridge_mesh_priority_loans_total', {});
const LONGEST_RTT = slotOf('cloudbridge_mesh_longest_rtt_seconds', {});

/** Brings the shared figures of the mesh up to date. */
export const collectMesh = (
  slots: Float64Array,
  { mesh, packets, devices, sessions, filters, loans }: MeshRunner,
): void => {
  const now = bootUs();
  const peers = mesh.status(now);
  const count = (of: (peer: (typeof peers)[number]) => boolean): number => peers.filter(of).length;
  slots[LEASE] = mesh.holdsLease(now) ? 1 : 0;
  slots[MEMBERS.dead] = count(({ isDead }) => isDead);
  slots[MEMBERS.linked] = count(({ isDead, isLinked }) => !isDead && isLinked);
  slots[MEMBERS.unlinked] = count(({ isDead, isLinked }) => !isDead && !isLinked);
  slots[RELAYED_PATHS] = count(({ via }) => via > 0);
  slots[DEVICES.here] = mesh.gossip.localCount;
  slots[DEVICES.elsewhere] = devices.size;
  slots[RELAYED_FRAMES.passed] = mesh.counters.relayed;
  slots[RELAYED_FRAMES.dropped] = mesh.counters.relayFailed;
  slots[PACKETS.sent] = packets.counters.sent;
  slots[PACKETS.received] = packets.counters.received;
  slots[PACKETS.relayed] = packets.counters.relayed;
  slots[HALVED.cut] = packets.halves.counters.cut;
  slots[HALVED.joined] = packets.halves.counters.joined;
  slots[HALVED.lost] = packets.halves.lost;
  slots[BYTES.sent] = packets.counters.sentBytes;
  slots[BYTES.received] = packets.counters.receivedBytes;
  for (const [reason, at] of DROPS) slots[at] = packets.dropped[reason];
  for (const [ticket, at] of ARRIVALS) slots[at] = mesh.gossip.arrivals[ticket];
  slots[RECORDS] = mesh.gossip.counters.received;
  slots[SESSIONS] = sessions.replicas.flows;
  for (const [event, at] of SESSION_EVENTS) slots[at] = sessions.counters[event];
  slots[SESSIONS_REFUSED] = sessions.replicas.refused;
  slots[FILTERS] = filters.replicas.flows;
  for (const [event, at] of FILTER_EVENTS) slots[at] = filters.counters[event];
  slots[FILTERS_REFUSED] = filters.replicas.refused;
  slots[LOANS] = loans;
  slots[LONGEST_RTT] = Math.max(0, ...peers.map(({ rttMs = 0 }) => rttMs)) / 1000;
};
