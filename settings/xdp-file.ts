/** The configuration of `cloudbridge xdp run`: TOML, or the same in JSON. `docs/defence.md` explains it. */
import { z } from 'zod';
import { hostPort, prefix } from './fields.ts';
import { parseJson, parseToml, readConfigText } from './toml-file.ts';

const List = z.strictObject({
  /** `allow`: past all limits and rules. */
  action: z.enum(['allow', 'deny']),
  prefixes: z.array(prefix).max(100_000).default([]),
  /** A prefix a line, `#` begins a comment; an address alone is its /32 or /128. */
  file: z.string().optional(),
});
export type XdpListFile = z.infer<typeof List>;

const Filter = z.strictObject({
  /** Sources that nobody can have: loopback, multicast, the target's own. */
  drop_martians: z.boolean().default(true),
  /** IPv4 options and IPv6 extension headers. */
  drop_options: z.boolean().default(false),
  /** `drop-later`: the parts of a datagram that have no ports. */
  fragments: z.enum(['pass', 'drop-later', 'drop']).default('pass'),
});

const PerClass = z.strictObject({
  /** Packets a second of one source. */
  rate: z.int().min(1).max(4_000_000),
  /** Packets at once; absent: those of a second. */
  burst: z.int().min(1).max(4_000_000).optional(),
});

/** Each packet is of one class; a class without a limit has none. */
const Limits = z.strictObject({
  /** What is one source: bits of its address. */
  ipv4_bits: z.int().min(8).max(32).default(32),
  ipv6_bits: z.int().min(16).max(64).default(64),
  /** Sources that are remembered, a power of two. */
  sources: z
    .int()
    .min(1024)
    .max(2 ** 24)
    .refine((count) => (count & (count - 1)) === 0, 'must be a power of two')
    .default(2 ** 18),
  syn: PerClass.optional(),
  /** UDP that begins as a QUIC Initial does. */
  initial: PerClass.optional(),
  icmp: PerClass.optional(),
  fragment: PerClass.optional(),
  udp: PerClass.optional(),
  /** All that is none of these. */
  other: PerClass.optional(),
});
export type XdpLimitsFile = z.infer<typeof Limits>;

export const XdpFile = z.strictObject({
  /** `any`: in the driver where it can, else behind it. */
  mode: z.enum(['any', 'native', 'generic']).default('any'),
  /** The socket that `cloudbridge xdp status` asks. */
  socket: z.string().default('/run/cloudbridge/xdp.sock'),
  /** Where `/metrics`, `/healthz` and `/readyz` are served, as host:port; absent: nowhere. */
  metrics: hostPort.optional(),
  filter: Filter.prefault({}),
  limit: Limits.prefault({}),
  list: z.array(List).max(100).default([]),
});
export type XdpFile = z.infer<typeof XdpFile>;

/** @param option that named the file @throws ConfigError */
export const readXdpFile = (file: string, option?: string): XdpFile => {
  const text = readConfigText(file, option);
  return /^\s*\{/.test(text) ? parseJson(XdpFile, text, file) : parseToml(XdpFile, text, file);
};
