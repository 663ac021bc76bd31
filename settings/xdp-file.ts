/** The configuration of `cloudbridge xdp run`: TOML, or the same in JSON. `docs/defence.md` explains it. */
import { z } from 'zod';
import { parseIpAddress, parsePrefix } from '#protocol/ip/text.ts';
import { hostPort, ipAddress, prefix } from './fields.ts';
import { parseJson, parseToml, readConfigText } from './toml-file.ts';
import { XdpCheck } from './xdp-check.ts';

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

const Backend = z.strictObject({
  address: ipAddress,
  /** Against those of the others. */
  weight: z.int().min(1).max(1000).default(1),
  /** No new connections; those that it has stay. */
  drain: z.boolean().default(false),
  /** By which connection IDs of QUIC name it: config rotation bits and server ID, as `0:0a1b`. */
  server_ids: z
    .array(z.string().regex(/^[0-6]:([0-9a-f]{2}){1,15}$/, 'must be as 0:0a1b'))
    .max(7)
    .default([]),
});

const Service = z.strictObject({
  /** An address, or a prefix of them. */
  address: z.union([ipAddress, prefix]),
  protocol: z.enum(['tcp', 'udp']),
  port: z.union([z.int().min(1).max(65_535), z.literal('any')]),
  /** What goes to one backend: a flow, or all that comes from an address, fragments too. */
  by: z.enum(['flow', 'source']).default('flow'),
  /** Connection IDs say where packets go: see `[[quic_lb]]`. */
  quic: z.boolean().default(false),
  /** `direct`: backends are neighbours of this machine that have the service's address themselves. */
  encapsulation: z.enum(['ipip', 'gue', 'direct']).default('ipip'),
  /** Where backends take UDP of GUE. */
  gue_port: z.int().min(1).max(65_535).default(6080),
  backend: z.array(Backend).max(1000).default([]),
  /** Whether backends are well; absent: they are, while there is a way to them. */
  check: XdpCheck.optional(),
});
export type XdpServiceFile = z.infer<typeof Service>;

/** Of AES: what connection IDs under a key are, but for their first octet. */
const BLOCK_BYTES = 16;

/** draft-ietf-quic-load-balancers. */
const QuicLb = z
  .strictObject({
    /** Config rotation bits. */
    config: z.int().min(0).max(6),
    server_id_bytes: z.int().min(1).max(15),
    nonce_bytes: z.int().min(4).max(18),
    /** Whether the first octet of connection IDs tells their length. */
    encodes_length: z.boolean().default(true),
    /** A file of 32 hexadecimal digits that nobody else may read; absent: connection IDs can be read by anybody. */
    key_file: z.string().optional(),
  })
  .refine(
    ({ key_file: key, server_id_bytes: server, nonce_bytes: nonce }) =>
      key === undefined || server + nonce === BLOCK_BYTES,
    'must have a server ID and a nonce of 16 bytes together where there is a key',
  );

const seconds = (most: number, usual: number) => z.number().min(1).max(most).default(usual);

const Balance = z.strictObject({
  /** The same at all that balance the same services, so that they choose the same backends; absent: one that is kept here. */
  seed: z
    .string()
    .regex(/^[0-9a-f]{16}$/, 'must be 16 hexadecimal digits')
    .optional(),
  /** That are remembered, a power of two: 8 bytes each. */
  connections: z
    .int()
    .min(1024)
    .max(2 ** 26)
    .refine((count) => (count & (count - 1)) === 0, 'must be a power of two')
    .default(2 ** 20),
  /** After how much silence a connection may lose its place. */
  new_seconds: seconds(3600, 10),
  tcp_seconds: seconds(43_200, 3600),
  udp_seconds: seconds(3600, 30),
  closing_seconds: seconds(3600, 10),
  /** Whether services' addresses answer to ping. */
  answers_echo: z.boolean().default(true),
  /**
   * Where outer packets come from: an address, or a prefix whose last bits are the flow's; absent: the one that
   * the kernel's own packets to the backend would have.
   */
  source_ipv4: z.union([ipAddress, prefix]).optional(),
  source_ipv6: z.union([ipAddress, prefix]).optional(),
});
export type XdpBalanceFile = z.infer<typeof Balance>;

/** The same for all ways to write an address, or the prefix that it is. */
const canonical = (text: string): string => {
  const address = text.includes('/') ? undefined : parseIpAddress(text);
  const prefix = address === undefined ? parsePrefix(text) : { address, length: 8 * address.length };
  return prefix === undefined ? text : `${prefix.address.join()}/${prefix.length}`;
};

const serviceKey = ({ protocol, address, port }: XdpServiceFile): string => `${protocol} ${canonical(address)} ${port}`;

/** Of one target, or of one network. */
const AttackLimit = z.strictObject({
  packets: z.number().min(1).max(1e9).optional(),
  bits: z.number().min(1).max(1e13).optional(),
});

/** Attacks are looked for in samples, and told. Nothing is done about them. */
const Detect = z.strictObject({
  /** One of so many packets is sampled. */
  every: z.int().min(1).max(1_000_000).default(1000),
  /** A second, from which on it is an attack; absent: usual ones. Other limits take a start. */
  limit: z
    .strictObject({
      syn: AttackLimit.optional(),
      reflection: AttackLimit.optional(),
      initial: AttackLimit.optional(),
      dns: AttackLimit.optional(),
      icmp: AttackLimit.optional(),
      volumetric: AttackLimit.optional(),
      'above-baseline': AttackLimit.optional(),
      carpet: AttackLimit.optional(),
    })
    .prefault({}),
});
export type XdpDetectFile = z.infer<typeof Detect>;

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
  balance: Balance.prefault({}),
  /** Absent: nothing is sampled. */
  detect: Detect.optional(),
  quic_lb: z
    .array(QuicLb)
    .max(7)
    .refine((list) => new Set(list.map(({ config }) => config)).size === list.length, 'must not have a config twice')
    .default([]),
  service: z
    .array(Service)
    .max(1000)
    .refine((list) => new Set(list.map(serviceKey)).size === list.length, 'must not have a service twice')
    .refine(
      (list) =>
        list.every(({ backend }) => new Set(backend.map(({ address }) => canonical(address))).size === backend.length),
      'must not have a backend twice in a service',
    )
    .refine(
      (list) => list.every(({ port, check }) => port !== 'any' || check === undefined || check.port !== undefined),
      'must say the port of its check where it has any port itself',
    )
    .default([]),
});
export type XdpFile = z.infer<typeof XdpFile>;

/** @param option that named the file @throws ConfigError */
export const readXdpFile = (file: string, option?: string): XdpFile => {
  const text = readConfigText(file, option);
  return /^\s*\{/.test(text) ? parseJson(XdpFile, text, file) : parseToml(XdpFile, text, file);
};
