import { labelValues } from '#telemetry/metrics.ts';
import { slotOf } from '#telemetry/slots.ts';
import type { DnsRunner } from './runner.ts';

const QUERIES = {
  udp: slotOf('cloudbridge_dns_queries_total', { transport: 'udp' }),
  tcp: slotOf('cloudbridge_dns_queries_total', { transport: 'tcp' }),
};
const OUTCOMES = labelValues('cloudbridge_dns_judged_queries_total', 'outcome').map(
  (outcome) => [outcome, slotOf('cloudbridge_dns_judged_queries_total', { outcome })] as const,
);
const FAULTS = slotOf('cloudbridge_dns_faults_total', {});
const TRUNCATED = slotOf('cloudbridge_dns_truncated_responses_total', {});
const UNWELL = slotOf('cloudbridge_dns_unwell_answers_total', {});
const COOKIES = slotOf('cloudbridge_dns_valid_cookies_total', {});
const LOST = {
  received: slotOf('cloudbridge_dns_lost_datagrams_total', { direction: 'received' }),
  sent: slotOf('cloudbridge_dns_lost_datagrams_total', { direction: 'sent' }),
};
const CONNECTIONS = slotOf('cloudbridge_dns_connections_count', {});
const ENDED = labelValues('cloudbridge_dns_ended_connections_total', 'reason').map(
  (reason) => [reason, slotOf('cloudbridge_dns_ended_connections_total', { reason })] as const,
);
const ZONES = slotOf('cloudbridge_dns_zones_count', {});
const UNWELL_POPS = slotOf('cloudbridge_dns_unwell_pops_count', {});

const sum = <T>(all: readonly T[], of: (one: T) => number): number => all.reduce((total, one) => total + of(one), 0);

/** Brings the shared figures of the DNS thread up to date. */
export const collectDns = (slots: Float64Array, { responder, udp, tcp, unwellCount, faults }: DnsRunner): void => {
  slots[QUERIES.udp] = sum(udp, ({ received }) => received);
  slots[QUERIES.tcp] = sum(tcp, ({ received }) => received);
  for (const [outcome, at] of OUTCOMES) slots[at] = responder.counters[outcome];
  slots[FAULTS] = faults;
  slots[TRUNCATED] = responder.counters.truncated;
  slots[UNWELL] = responder.counters.unwell;
  slots[COOKIES] = responder.counters.cookies;
  slots[LOST.received] = sum(udp, ({ overflowed }) => overflowed);
  slots[LOST.sent] = sum(udp, ({ lost }) => lost);
  slots[CONNECTIONS] = sum(tcp, ({ connections }) => connections);
  for (const [reason, at] of ENDED) slots[at] = sum(tcp, ({ ended }) => ended[reason]);
  slots[ZONES] = responder.zoneCount;
  slots[UNWELL_POPS] = unwellCount;
};
