import { byLabel, collectAll, single } from '#dataplane/metrics/series.ts';
import { slotOf } from '#telemetry/slots.ts';
import type { BalanceStatus } from './balance/status.ts';
import type { ChecksStatus } from './checks/status.ts';
import { CHECK_KINDS } from './checks/wanted.ts';
import type { DetectStatus } from './detecting.ts';
import type { XdpStatus } from './front-of-file.ts';

const PACKETS = byLabel('cloudbridge_xdp_packets_total', 'outcome');
const BYTES = byLabel('cloudbridge_xdp_bytes_total', 'outcome');
const LISTED = single('cloudbridge_xdp_listed_prefixes');

const CHOICES = byLabel('cloudbridge_xdp_balanced_packets_total', 'choice');
const CONNECTIONS = byLabel('cloudbridge_xdp_balance_connections_count', 'state');
const SERVICES = single('cloudbridge_xdp_balance_services_count');
const BACKENDS = byLabel('cloudbridge_xdp_balance_backends_count', 'state');

const SAMPLES = byLabel('cloudbridge_xdp_samples_total', 'fate');
const FOUND = byLabel('cloudbridge_xdp_attacks_total', 'kind');
const ATTACKS = single('cloudbridge_xdp_attacks_count');
const WATCHED = byLabel('cloudbridge_xdp_watched_targets', 'scope');
const CHECKS = CHECK_KINDS.map((kind) => ({
  kind,
  passed: slotOf('cloudbridge_xdp_checks_total', { kind, outcome: 'passed' }),
  failed: slotOf('cloudbridge_xdp_checks_total', { kind, outcome: 'failed' }),
  timedOut: slotOf('cloudbridge_xdp_checks_total', { kind, outcome: 'timed_out' }),
}));
const HEALTH = byLabel('cloudbridge_xdp_checked_backends_count', 'health');
const PANICS = single('cloudbridge_xdp_check_panics_total');
const PANICKING = single('cloudbridge_xdp_panicking_services_count');

const OUTCOMES = {
  passed: 'passed',
  notIp: 'not_ip',
  allowed: 'allowed',
  dropMalformed: 'drop_malformed',
  dropMartian: 'drop_martian',
  dropFragment: 'drop_fragment',
  dropOptions: 'drop_options',
  dropDenied: 'drop_denied',
  dropLimited: 'drop_limited',
  balanced: 'balanced',
  answeredEcho: 'answered_echo',
  answeredTooBig: 'answered_too_big',
  dropTooBig: 'drop_too_big',
  dropNoBackend: 'drop_no_backend',
  dropNoRoom: 'drop_no_room',
  dropServiceFragment: 'drop_service_fragment',
} as const satisfies Record<keyof XdpStatus['counts'], keyof typeof PACKETS>;

/** Brings the slots of a filter up to date. */
export const collectXdp = (slots: Float64Array, { counts, listed, balance, checks, detect }: XdpStatus): void => {
  for (const [counter, outcome] of Object.entries(OUTCOMES) as [keyof typeof OUTCOMES, keyof typeof PACKETS][]) {
    slots[PACKETS[outcome]] = counts[counter].packets;
    slots[BYTES[outcome]] = counts[counter].bytes;
  }
  slots[LISTED] = listed;
  collectBalance(slots, balance);
  collectChecks(slots, checks);
  if (detect) collectDetect(slots, detect);
};

const collectDetect = (
  slots: Float64Array,
  { samples, lost, targets, networks, found, attacks }: DetectStatus,
): void => {
  collectAll(slots, SAMPLES, { taken: samples, lost });
  collectAll(slots, FOUND, found);
  slots[ATTACKS] = attacks.length;
  collectAll(slots, WATCHED, { target: targets, network: networks });
};

const collectChecks = (slots: Float64Array, { services, panics, counts }: ChecksStatus): void => {
  for (const { kind, ...series } of CHECKS) collectAll(slots, series, counts[kind]);
  const health = { unknown: 0, up: 0, down: 0, held: 0 };
  for (const { backends } of services) for (const one of backends) health[one.health]++;
  collectAll(slots, HEALTH, health);
  slots[PANICS] = panics;
  slots[PANICKING] = services.filter(({ isPanicking }) => isPanicking).length;
};

const collectBalance = (slots: Float64Array, { services, connections, choices }: BalanceStatus): void => {
  collectAll(slots, CHOICES, choices);
  const { total, unconfirmed } = connections;
  collectAll(slots, CONNECTIONS, { confirmed: total - unconfirmed, unconfirmed });
  slots[SERVICES] = services.length;
  const states = { up: 0, draining: 0, down: 0 };
  for (const { backends } of services) for (const { state } of backends) states[state]++;
  collectAll(slots, BACKENDS, states);
};
