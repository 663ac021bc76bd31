import type { CongestionController, ControllerOptions } from '#protocol/congestion/controller.ts';
import type { Mtu } from './mtu.ts';

export interface RecoveryOptions {
  readonly isServer: boolean;
  /** Makes the path's controller; called again after a change of path. */
  readonly controller: (options: ControllerOptions) => CongestionController;
  readonly mtu: Mtu;
  readonly random: () => number;
  /** Packets that one space remembers at most, a power of two. 131072 by default: 10 Gbit/s at 150 ms. */
  readonly maxPackets?: number;
  /** Wait longer, by number and time, after spurious losses (RFC 9002 §6.1.1); on by default. */
  readonly adaptiveReordering?: boolean;
  /** Mark packets ECT(0) where the path bears it (RFC 9000 §13.4). */
  readonly ecn: boolean;
}
