/** One packet that stands for several: what detectors see of traffic. */
export interface PacketSample {
  /** Of the kernel's monotonic clock. */
  readonly timeNs: number;
  /** 4 or 16 bytes. */
  readonly source: Uint8Array;
  readonly target: Uint8Array;
  /** 0 where `hasPorts` is not. */
  readonly sourcePort: number;
  readonly targetPort: number;
  /** IANA's number. */
  readonly protocol: number;
  /** Of the frame. */
  readonly bytes: number;
  /** Packets that it stands for. */
  readonly every: number;
  readonly isFragment: boolean;
  /** TCP or UDP, and no later fragment. */
  readonly hasPorts: boolean;
  readonly tcpFlags: number;
  /** TTL or hop limit. */
  readonly hops: number;
  readonly icmpType: number;
  /** What became of it: `enum counter` of `bpf/include/count.h`. */
  readonly outcome: number;
  /** The first 16 bytes behind the transport header, or fewer. */
  readonly payload: Uint8Array;
}
