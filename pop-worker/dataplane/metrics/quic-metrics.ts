import type { EndpointCounters } from '#protocol/quic/counters.ts';
import type { Connections } from '../connections.ts';
import type { QuicTotals } from './quic-totals.ts';
import { byLabel, collectAll, single } from './series.ts';

const HANDSHAKES = byLabel('cloudbridge_quic_handshakes_total', 'result');
const REFUSED = byLabel('cloudbridge_quic_refused_connections_total', 'reason');
const CLOSED = byLabel('cloudbridge_quic_closed_connections_total', 'by');
const REPLIES = byLabel('cloudbridge_quic_replies_total', 'kind');
const DATAGRAMS = byLabel('cloudbridge_quic_dropped_datagrams_total', 'reason');
const PACKETS = byLabel('cloudbridge_quic_packets_total', 'direction');
const DROPPED = byLabel('cloudbridge_quic_dropped_packets_total', 'reason');
const LOST = byLabel('cloudbridge_quic_lost_packets_total', 'verdict');
const PROBES = single('cloudbridge_quic_probe_timeouts_total');
const PATHS = single('cloudbridge_quic_path_changes_total');
const KEYS = single('cloudbridge_quic_key_updates_total');
const CE = byLabel('cloudbridge_quic_ecn_ce_packets_total', 'direction');
const ECN_PATHS = byLabel('cloudbridge_quic_ecn_paths_total', 'outcome');
const EXCEEDED = byLabel('cloudbridge_quic_exceeded_limits_total', 'limit');
const DEFENCES = byLabel('cloudbridge_quic_defences_total', 'defence');
const UNSENT = byLabel('cloudbridge_quic_unsent_payloads_total', 'reason');

/** Datagrams that came for no connection, and what was answered. */
export const collectEndpoint = (slots: Float64Array, counters: EndpointCounters): void => {
  slots[REFUSED.too_many_connections] = counters.refusedConnections;
  slots[REFUSED.too_many_handshakes] = counters.refusedHandshakes;
  slots[REFUSED.busy] = counters.refusedBusy;
  slots[REFUSED.draining] = counters.refusedByApplication;
  slots[REFUSED.token] = counters.invalidTokens;
  slots[DEFENCES.token_replay] = counters.replayedTokens;
  slots[DEFENCES.receive_windows] = counters.refusedWindows;
  slots[REPLIES.retry] = counters.retriesSent;
  slots[REPLIES.version_negotiation] = counters.versionNegotiationsSent;
  slots[REPLIES.stateless_reset] = counters.statelessResetsSent;
  slots[DATAGRAMS.too_short] = counters.droppedTooShort;
  slots[DATAGRAMS.malformed] = counters.droppedMalformed;
  slots[DATAGRAMS.small_initial] = counters.droppedSmallInitial;
  slots[DATAGRAMS.unknown] = counters.droppedUnknown;
  slots[DATAGRAMS.reply_limit] = counters.droppedReplyLimit;
  slots[DATAGRAMS.backlog] = counters.droppedBacklog;
  slots[DATAGRAMS.forged] = counters.droppedForged;
};

/** How handshakes and connections ended. */
export const collectOutcomes = (slots: Float64Array, { counters }: Connections): void => {
  slots[HANDSHAKES.full] = counters.handshakes - counters.resumed;
  slots[HANDSHAKES.resumed] = counters.resumed;
  slots[HANDSHAKES.failed] = counters.failedHandshakes;
  collectAll(slots, CLOSED, counters.closedBy);
};

/** Packets of connections. */
export const collectConnections = (slots: Float64Array, totals: QuicTotals): void => {
  slots[PACKETS.received] = totals.packetsReceived;
  slots[PACKETS.sent] = totals.packetsSent;
  slots[DROPPED.duplicate] = totals.droppedDuplicate;
  slots[DROPPED.forged] = totals.droppedForged;
  slots[DROPPED.malformed] = totals.droppedMalformed;
  slots[DROPPED.no_keys] = totals.droppedNoKeys;
  slots[DROPPED.version] = totals.droppedVersion;
  slots[DROPPED.connection_id] = totals.droppedConnectionId;
  slots[DROPPED.address] = totals.droppedAddress;
  slots[DROPPED.closed] = totals.droppedClosed;
  slots[DROPPED.early] = totals.droppedEarly;
  slots[LOST.lost] = totals.packetsLost;
  slots[LOST.spurious] = totals.spuriousLosses;
  slots[PROBES] = totals.probeTimeouts;
  slots[PATHS] = totals.pathChanges;
  slots[KEYS] = totals.keyUpdates;
  slots[CE.received] = totals.packetsReceivedCe;
  slots[CE.sent] = totals.ecnCe;
  slots[ECN_PATHS.capable] = totals.ecnCapable;
  slots[ECN_PATHS.failed] = totals.ecnFailed;
  slots[EXCEEDED.flow_control] = totals.exceededFlowControl;
  slots[EXCEEDED.streams] = totals.exceededStreams;
  slots[EXCEEDED.connection_ids] = totals.exceededConnectionIds;
  slots[EXCEEDED.crypto_buffer] = totals.exceededCryptoBuffer;
  slots[EXCEEDED.tls_bytes] = totals.exceededTlsBytes;
  slots[EXCEEDED.forgeries] = totals.exceededForgeries;
  slots[EXCEEDED.gaps] = totals.exceededGaps;
  slots[EXCEEDED.acked_unsent] = totals.ackedUnsent;
  slots[DEFENCES.amplification] = totals.amplificationBlocked;
  slots[DEFENCES.path_challenges] = totals.droppedChallenges;
  slots[UNSENT.queue_full] = totals.queueFull;
  slots[UNSENT.too_large] = totals.datagramsDropped;
};
