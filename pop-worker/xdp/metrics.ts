import { byLabel, collectAll, single } from '#dataplane/metrics/series.ts';
import type { BalanceStatus } from './balance/status.ts';
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
export const collectXdp = (slots: Float64Array, { counts, listed, balance, detect }: XdpStatus): void => {
  for (const [counter, outcome] of Object.entries(OUTCOMES) as [keyof typeof OUTCOMES, keyof typeof PACKETS][]) {
    slots[PACKETS[outcome]] = counts[counter].packets;
    slots[BYTES[outcome]] = counts[counter].bytes;
  }
  slots[LISTED] = listed;
  collectBalance(slots, balance);
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

const collectBalance = (slots: Float64Array, { services, connections, choices }: BalanceStatus): void => {
  collectAll(slots, CHOICES, choices);
  const { total, unconfirmed } = connections;
  collectAll(slots, CONNECTIONS, { confirmed: total - unconfirmed, unconfirmed });
  slots[SERVICES] = services.length;
  const states = { up: 0, draining: 0, down: 0 };
  for (const { backends } of services) for (const { state } of backends) states[state]++;
  collectAll(slots, BACKENDS, states);
};
