/** Why a packet was not forwarded: the label `reason` of `cloudbridge_forward_dropped_packets_total`. */
export const DROP_REASONS = [
  'truncated',
  'version',
  'header_length',
  'total_length',
  'header_checksum',
  'extension_header',
  'source_address',
  'hop_limit',
  'no_route',
  'destination_refused',
  'too_big',
  'session_queue_full',
  'tun_queue_full',
  'egress_not_allowed',
  'unknown_carrier',
  'offload',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** Index of each reason; the first six follow `IpFault`, which counts from one. */
export const Drop = {
  ipFault: -1,
  sourceAddress: 6,
  hopLimit: 7,
  noRoute: 8,
  destinationRefused: 9,
  tooBig: 10,
  sessionQueueFull: 11,
  tunQueueFull: 12,
  egressNotAllowed: 13,
  unknownCarrier: 14,
  offload: 15,
} as const;

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
