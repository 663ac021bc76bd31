/** How IPv4 leaves by outside addresses of our own; plain, so that it can be posted. */
export interface NatSetup {
  /** Prefixes of this worker's outside addresses: devices that come here first get theirs from them. */
  readonly own: readonly string[];
  /** Of all workers, these among them; the same at all. */
  readonly fleet: readonly string[];
  /** Outside ports of a device. */
  readonly ports: number;
  /** Whether there are other workers to tell sessions to. */
  readonly isShared: boolean;
}
