import { nowUs } from '#host/clock/clock.ts';
import { DROP_REASONS } from '#protocol/wireguard/drop.ts';
import type { WireGuard } from '#protocol/wireguard/wireguard.ts';
import { byLabel, collectAll, single } from '../metrics/series.ts';
import type { EdgeWireGuard } from './edge-wireguard.ts';
import type { Tunnel } from './tunnel.ts';

const PACKETS = byLabel('cloudbridge_wireguard_packets_total', 'direction');
const BYTES = byLabel('cloudbridge_wireguard_bytes_total', 'direction');
const DROPPED = byLabel('cloudbridge_wireguard_dropped_packets_total', 'reason');
const HANDSHAKES = byLabel('cloudbridge_wireguard_handshakes_total', 'what');
const LOST = byLabel('cloudbridge_wireguard_lost_packets_total', 'reason');
const PEERS = byLabel('cloudbridge_wireguard_peers', 'state');
const SITES = byLabel('cloudbridge_wireguard_site_devices', 'state');
const SITE_CHANGES = byLabel('cloudbridge_wireguard_site_changes_total', 'to');
const SITE_PROBES = byLabel('cloudbridge_wireguard_site_probes_total', 'what');
const QUESTIONS = byLabel('cloudbridge_wireguard_questions_total', 'what');
const MOVES = single('cloudbridge_wireguard_moves_total');

/** Brings the slots of a core up to date, and of the moves of its peers. */
const collectCore = (slots: Float64Array, core: WireGuard, moves: number): void => {
  const { totals, dropped } = core;
  slots[PACKETS.received] = totals.receivedMessages;
  slots[PACKETS.sent] = totals.sentMessages;
  slots[BYTES.received] = totals.receivedBytes;
  slots[BYTES.sent] = totals.sentBytes;
  for (const [i, reason] of DROP_REASONS.entries()) slots[DROPPED[reason]] = dropped[i + 1] as number;
  slots[HANDSHAKES.begun] = totals.initiationsSent;
  slots[HANDSHAKES.answered] = totals.responsesSent;
  slots[HANDSHAKES.agreed] = totals.sessions;
  slots[MOVES] = moves;
  const now = nowUs();
  let inSession = 0;
  let byPrevious = 0;
  for (const peer of core.peers) {
    if (peer.keypairs.current?.maySend(now) !== true) continue;
    inSession++;
    if (core.isByPrevious(peer)) byPrevious++;
  }
  slots[PEERS.configured] = core.peerCount;
  slots[PEERS.in_session] = inSession;
  slots[PEERS.previous_key] = byPrevious;
};

/** Brings the slots of a WireGuard interface up to date. */
export const collectWireGuard = (slots: Float64Array, { core, delivery, moves }: Tunnel): void => {
  collectCore(slots, core, moves);
  slots[LOST.tun_queue_full] = delivery.overflows;
  slots[LOST.headers] = delivery.invalid;
};

/** …of a data-plane thread. What sessions do is counted where all sessions are. */
export const collectEdgeWireGuard = (slots: Float64Array, wireguard: EdgeWireGuard | undefined): void => {
  if (wireguard === undefined) return;
  collectCore(slots, wireguard.core, wireguard.moves);
  collectAll(slots, QUESTIONS, wireguard.core.questions);
  const { sites } = wireguard.sessions;
  const states = sites.states();
  for (const state of ['reached', 'lost', 'held'] as const) {
    slots[SITES[state]] = states[state];
    slots[SITE_CHANGES[state]] = sites.counters[state];
  }
  for (const what of ['asked', 'answered', 'handshakes'] as const) slots[SITE_PROBES[what]] = sites.counters[what];
  slots[PEERS.connected] = wireguard.sessions.size;
  slots[PEERS.refused] = wireguard.peers.refused;
  slots[PEERS.barred] = wireguard.peers.size - wireguard.core.peerCount;
};
