import type { NatDrop } from '#protocol/nat/counters.ts';
import { labelValues } from '#telemetry/metrics.ts';

/** Why a packet was not forwarded. */
export const DROP_REASONS = labelValues('cloudbridge_forward_dropped_packets_total', 'reason');
export type DropReason = (typeof DROP_REASONS)[number];

const at = (reason: DropReason): number => DROP_REASONS.indexOf(reason);

/** Index of each reason but the first six, which follow `IpFault`: that counts from one. */
export const Drop = {
  sourceAddress: at('source_address'),
  hopLimit: at('hop_limit'),
  noRoute: at('no_route'),
  destinationRefused: at('destination_refused'),
  tooBig: at('too_big'),
  sessionQueueFull: at('session_queue_full'),
  tunQueueFull: at('tun_queue_full'),
  egressNotAllowed: at('egress_not_allowed'),
  unknownCarrier: at('unknown_carrier'),
  offload: at('offload'),
  threadQueueFull: at('thread_queue_full'),
  unsettled: at('unsettled'),
  natProtocol: at('nat_protocol'),
  natMalformed: at('nat_malformed'),
  natNoMapping: at('nat_no_mapping'),
  natFiltered: at('nat_filtered'),
  natExhausted: at('nat_exhausted'),
  natSessionLimit: at('nat_session_limit'),
  natWaiting: at('nat_waiting'),
  unsolicited: at('unsolicited'),
} as const;

/** The reason for which a packet was not translated; those of `NatDrop` follow each other in its order. @param drop not `none` */
export const natReason = (drop: NatDrop): number => Drop.natProtocol + drop - 1;

/** Dropped packets by reason. */
export class DropCounters {
  readonly packets = new Float64Array(DROP_REASONS.length);

  count(reason: number): void {
    this.packets[reason] = (this.packets[reason] as number) + 1;
  }

  of(reason: DropReason): number {
    return this.packets[DROP_REASONS.indexOf(reason)] as number;
  }
}
