/** What went through a device's tunnel since the command began; `up` is towards the edge. Plain numbers, only growing. */
export class TunnelCounters {
  packetsUp = 0;
  bytesUp = 0;
  packetsDown = 0;
  bytesDown = 0;
  /** Bursts read from the TUN. */
  reads = 0;
  /** No IP packets, or ones that cannot be taken apart. */
  invalid = 0;
  /** Larger than the tunnel takes; the sender was told. */
  tooBig = 0;
  /** The queue towards the edge was full, or there was no tunnel. */
  notSent = 0;
}
