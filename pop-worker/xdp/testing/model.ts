import { RING_PLACES, type RingMember, ringOf } from '../balance/maglev.ts';

/** What the program computes, once more and with other means, to be compared with it. */

const MASK = (1n << 64n) - 1n;
const FACTOR = 0xd6e8feb86659fd93n;

const mix = (value: bigint): bigint => {
  const first = ((value ^ (value >> 32n)) * FACTOR) & MASK;
  return first ^ (first >> 32n);
};

/** Bytes as the program reads them: little-endian. */
const littleEndian = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

export interface Flow {
  /** 4 or 16 bytes. */
  readonly source: Uint8Array;
  readonly target: Uint8Array;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly targetPort: number;
}

const swapped = (port: number): bigint => BigInt(((port & 255) << 8) | (port >>> 8));

/** @param isBySource ports do not matter */
export const flowHash = (flow: Flow, seed: Uint8Array, isBySource = false): bigint => {
  const { source, target, protocol, sourcePort, targetPort } = flow;
  let hash = littleEndian(seed);
  const words =
    source.length === 4
      ? [littleEndian(source) | (littleEndian(target) << 32n)]
      : [source.subarray(0, 8), source.subarray(8), target.subarray(0, 8), target.subarray(8)].map(littleEndian);
  for (const word of words) hash = mix(hash ^ word);
  const ports = isBySource ? 0n : (swapped(sourcePort) << 16n) | (swapped(targetPort) << 32n);
  return mix(mix(hash ^ ports ^ BigInt(protocol)));
};

/** The number of the member that a flow belongs to. */
export const memberOf = (hash: bigint, members: readonly RingMember[]): number =>
  ringOf(members)[Number(((hash >> 32n) * BigInt(RING_PLACES)) >> 32n)] as number;

/** What receivers see of a flow in outer headers. */
export const spreadOf = (hash: bigint) => ({
  sourcePort: 0xc000 | Number((hash >> 20n) & 0x3fffn),
  label: Number((hash >> 32n) & 0xfffffn),
});
