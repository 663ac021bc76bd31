import { randomBytes } from 'node:crypto';
import type { XdpLimitsFile } from '#settings/xdp-file.ts';
import type { FrontSettings } from './front.ts';
import { Limit, LimitClass, Settings } from './gen/front.ts';

/** Tokens of a packet, and nanoseconds of a unit of time: as bpf/include/limit.h has them. */
const TOKENS = 1024;
const UNIT_NS = 2 ** 20;
const WAYS = 4;

/** Of the first 64 bits of an address as the program holds them: in the order of networks, read as little-endian. */
const maskOf = (bits: number): Uint8Array => {
  const bytes = new Uint8Array(8);
  for (let i = 0; i < bits; i++) bytes[i >>> 3] = (bytes[i >>> 3] as number) | (0x80 >>> (i & 7));
  return bytes;
};

/** Settings of the program for limits, and how many lines its table has. */
export const limitSettings = (file: XdpLimitsFile): { readonly settings: FrontSettings; readonly lines: number } => {
  const limits = new Uint8Array(Settings.places.limits.bytes);
  const classes = Object.entries(LimitClass) as [keyof typeof LimitClass, number][];
  let isAny = false;
  for (const [name, index] of classes) {
    const limit = file[name];
    if (limit === undefined) continue;
    isAny = true;
    const rate = Math.max(1, Math.round((limit.rate * TOKENS * UNIT_NS) / 1e9));
    Limit.write({ rate, burst: (limit.burst ?? limit.rate) * TOKENS }, limits, index * Limit.bytes);
  }
  const lines = file.sources / WAYS;
  return {
    lines,
    settings: {
      ...{ limits, limitLines: isAny ? lines : 0, hasCoarseClock: 1, seed: Uint8Array.from(randomBytes(8)) },
      ...{ limitMaskV4: maskOf(file.ipv4_bits), limitMaskV6: maskOf(file.ipv6_bits) },
    },
  };
};
