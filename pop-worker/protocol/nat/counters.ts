/** Why a packet was not translated; 0 is none. */
export const NatDrop = {
  none: 0,
  /** Neither TCP, UDP nor ICMP: there is no port that would tell devices apart. */
  protocol: 1,
  /** The upper header is cut off, or an error quotes nothing that can be read. */
  malformed: 2,
  /** From outside, for a port that nobody uses; or an error about nothing that is known. */
  noMapping: 3,
  /** From outside, of somebody whom that port has sent nothing to. */
  filtered: 4,
  /** All ports of the device's block are in use for that protocol. */
  exhausted: 5,
  /** The device, or the thread, has as many sessions as it may have. */
  sessionLimit: 6,
  /** The device has just come from another worker, which sessions it has is not known yet. */
  waiting: 7,
} as const;
export type NatDrop = (typeof NatDrop)[keyof typeof NatDrop];

export interface NatCounters {
  /** Sessions that were taken up in mid-stream. */
  pickedUp: number;
  /** Sessions that were told by another worker and go on here; and those that could not. */
  restored: number;
  refused: number;
  /** Mappings whose port is another one than the inner port asks for. */
  deviating: number;
}
