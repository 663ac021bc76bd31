import { type AddressKey, addressKey, networkKey, prefixTextOf } from './address-key.ts';
import type { PacketSample } from './sample.ts';

/** FIN, SYN, RST and ACK: what a segment is for. */
const FLAGS_MASK = 0x17;
const TCP = 6;
const ICMP = [1, 58];
const MOST_SOURCES = 8;
/** Fewer samples say nothing of sources and lengths. */
const FEW = 16;

/** What packets have in common; absent: nothing is said of it. All of it must hold. */
export interface Pattern {
  readonly protocol?: number;
  readonly sourcePort?: number;
  readonly targetPort?: number;
  readonly icmpType?: number;
  readonly tcpFlags?: { readonly value: number; readonly mask: number };
  /** Bytes of the frame, from and to. */
  readonly bytes?: readonly [least: number, most: number];
  /** Prefixes, one of which the source is in. */
  readonly sources?: readonly string[];
}

type Field = (sample: PacketSample) => number | undefined;

/** In the order in which they are looked for: the ones that say most of why first. */
const FIELDS = {
  protocol: ({ protocol }) => protocol,
  icmpType: ({ protocol, icmpType }) => (ICMP.includes(protocol) ? icmpType : undefined),
  tcpFlags: ({ protocol, tcpFlags }) => (protocol === TCP ? tcpFlags & FLAGS_MASK : undefined),
  sourcePort: ({ hasPorts, sourcePort }) => (hasPorts ? sourcePort : undefined),
  targetPort: ({ hasPorts, targetPort }) => (hasPorts ? targetPort : undefined),
} as const satisfies Record<string, Field>;

/** The value that most have, and how many. */
const commonest = (
  samples: readonly PacketSample[],
  field: Field,
): { readonly value: number; readonly count: number } => {
  const counts = new Map<number, number>();
  let best = { value: 0, count: 0 };
  for (const sample of samples) {
    const value = field(sample);
    if (value === undefined) continue;
    const count = (counts.get(value) ?? 0) + 1;
    counts.set(value, count);
    if (count > best.count) best = { value, count };
  }
  return best;
};

/** Few sources' addresses, or else their networks, in which so many samples are. */
const sourcesOf = (samples: readonly PacketSample[], needed: number) => {
  for (const isNetwork of [false, true]) {
    const keyOf = isNetwork ? networkKey : addressKey;
    const groups = new Map<AddressKey, PacketSample[]>();
    for (const sample of samples) {
      const key = keyOf(sample.source);
      const group = groups.get(key);
      if (group) group.push(sample);
      else groups.set(key, [sample]);
    }
    const first = [...groups.values()].toSorted((a, b) => b.length - a.length).slice(0, MOST_SOURCES);
    const covered = first.flat();
    if (covered.length < needed) continue;
    const prefixes = first.map(([sample]) => prefixTextOf((sample as PacketSample).source, isNetwork));
    return { prefixes: prefixes.toSorted(), covered };
  }
  return undefined;
};

/**
 * The narrowest pattern that still has so much of what is there.
 * @param samples of the attack, and maybe of others
 * @param share that it is to cover, of all
 * @returns the pattern, and the share that it covers
 */
export const patternOf = (
  samples: readonly PacketSample[],
  share: number,
): { readonly pattern: Pattern; readonly covers: number } => {
  if (samples.length === 0) return { pattern: {}, covers: 0 };
  const needed = Math.max(1, share * samples.length);
  let left = samples;
  const pattern: { -readonly [K in keyof Pattern]: Pattern[K] } = {};
  for (const [name, field] of Object.entries(FIELDS) as [keyof typeof FIELDS, Field][]) {
    const { value, count } = commonest(left, field);
    if (count < needed) continue;
    left = left.filter((sample) => field(sample) === value);
    if (name === 'tcpFlags') pattern.tcpFlags = { value, mask: FLAGS_MASK };
    else pattern[name] = value;
  }
  if (left.length < FEW) return { pattern, covers: left.length / samples.length };
  const sources = sourcesOf(left, needed);
  if (sources) {
    pattern.sources = sources.prefixes;
    left = sources.covered;
  }
  const lengths = left.map(({ bytes }) => bytes);
  pattern.bytes = [Math.min(...lengths), Math.max(...lengths)];
  return { pattern, covers: left.length / samples.length };
};
