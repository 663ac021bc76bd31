export interface ChecksumNative {
  /** Sum of a range's 16-bit words as RFC 1071 has it, folded to 16 bits. */
  checksumSum(buffer: Uint8Array, start: number, end: number): number;
}
