/** The configuration of `cloudbridge bgp run`: TOML, or the same in JSON. `docs/bgp.md` explains it. */
import { z } from 'zod';
import { importError, readPolicies } from '#protocol/bgp/policy/program.ts';
import { parseIpAddress, parseIpv4 } from '#protocol/ip/text.ts';
import { addressWithZone, isHostAddress, neighborFaults, neighborName } from './bgp-neighbor.ts';
import { PolicyFile, policiesOf } from './bgp-policy.ts';
import { BmpFile } from './bmp.ts';
import { hostPort, ipAddress, prefix } from './fields.ts';
import { MrtSettings } from './mrt.ts';
import { RpkiFile } from './rpki.ts';
import { parseJson, parseToml, readConfigText } from './toml-file.ts';

const asNumber = z.int().min(1).max(4_294_967_294);
const port = z.int().min(1).max(65_535);
const routerId = z
  .string()
  .refine((text) => parseIpv4(text) !== undefined && text !== '0.0.0.0', 'must be an IPv4 address');
const family = z.enum(['ipv4-unicast', 'ipv6-unicast', 'ipv4-flow', 'ipv6-flow']);
/** A link-local address has its interface behind it, by name or number, unless `interface` says it. */
const neighborAddress = z
  .string()
  .refine(
    (text) => parseIpAddress(text.replace(/^(fe80:.*)%[^%/\s]{1,15}$/i, '$1')) !== undefined,
    'must be an IP address; a link-local one as fe80::1%eth0',
  )
  .refine((text) => isHostAddress(text), {
    message: 'must be the address of one host: not that of none, of many or of all',
    when: ({ issues }) => issues.length === 0,
  });
const policyName = z.string().min(1).max(64);
const seconds = (least: number, most: number) => z.int().min(least).max(most);

/** Policies that need no rules. */
export const PLAIN_POLICIES: readonly string[] = ['none', 'own', 'all'];

const parts = (text: string): number[] => (/^\d+(:\d+)*$/.test(text) ? text.split(':').map(Number) : []);
const community = z.string().refine((text) => {
  const values = parts(text);
  return values.length === 2 && values.every((value) => value <= 0xffff);
}, 'must be a community, such as 64512:100');
const largeCommunity = z.string().refine((text) => {
  const values = parts(text);
  return values.length === 3 && values.every((value) => value <= 0xffff_ffff);
}, 'must be a large community, such as 64512:1:100');

/** Bytes of a Shutdown Communication (RFC 9003 §2). */
const MOST_TEXT_BYTES = 255;
const shutdownText = z
  .string()
  .refine((text) => new TextEncoder().encode(text).length <= MOST_TEXT_BYTES, 'must be of at most 255 bytes in UTF-8');

const Origin = z.strictObject({
  prefix,
  communities: z.array(community).max(100).default([]),
  large_communities: z.array(largeCommunity).max(100).default([]),
  med: z.int().min(0).max(0xffff_ffff).optional(),
});

const Neighbor = z.strictObject({
  /** For people; the address when it is absent. */
  name: z.string().min(1).max(64).optional(),
  address: neighborAddress,
  as: asNumber,
  port: port.default(179),
  /** The address that we connect from. */
  local_address: ipAddress.optional(),
  /** The interface that its connections are bound to. */
  interface: z.string().min(1).max(15).optional(),
  /** Ours towards it, when it is another than the speaker's. */
  local_as: asNumber.optional(),
  families: z.array(family).min(1).default(['ipv4-unicast', 'ipv6-unicast']),
  /** 0: it is never waited for; otherwise at least 3. */
  hold_seconds: z
    .int()
    .min(0)
    .max(65_535)
    .refine((value) => value !== 1 && value !== 2, 'must be 0 or at least 3')
    .default(90),
  /** Between attempts to connect; a quarter of it is left to chance. */
  connect_retry_seconds: seconds(1, 3600).default(5),
  /** A message must go out within it; 0: however long it takes. */
  send_hold_seconds: seconds(0, 65_535).optional(),
  /** It is waited for, never connected to. */
  passive: z.boolean().default(false),
  /** It has no session for now, and is told this (RFC 9003); it may be empty. */
  shutdown: shutdownText.optional(),
  /** A file with the key of TCP MD5 (RFC 2385), that nobody else may read. */
  md5_key_file: z.string().optional(),
  /** TCP-AO (RFC 5925), where the kernel has it. */
  ao: z
    .strictObject({
      key_file: z.string(),
      send_id: z.int().min(0).max(255),
      receive_id: z.int().min(0).max(255),
      algorithm: z.enum(['aes-128-cmac-96', 'hmac-sha-1-96']).default('hmac-sha-1-96'),
    })
    .optional(),
  /** The path to it is watched by BFD (RFC 5881, RFC 5883) with this interval, once there was a session; without it not. */
  bfd_interval_ms: z.int().min(10).max(60_000).optional(),
  /** So many intervals of silence are the end of the session. */
  bfd_multiplier: z.int().min(2).max(50).default(3),
  /** GTSM (RFC 5082): it is at most so many hops away, 1 for a direct neighbour; what may come from farther is dropped. */
  gtsm_hops: z.int().min(1).max(254).optional(),
  /** Hop limit of what is sent without GTSM; 1 for external neighbours, 64 for internal ones. */
  hop_limit: z.int().min(1).max(255).optional(),
  /**
   * Names of policies: which routes are taken, and which are told. `none`, `own` (routes that begin here), `all`, or a rule
   * set of `policy`. Without one, nothing with an external neighbour (RFC 8212).
   */
  import: policyName.optional(),
  export: policyName.optional(),
  /** More prefixes than these end the session (RFC 4486); 0: no limit. Without: by its role. */
  max_prefixes: z.partialRecord(family, z.int().min(0).max(0xffff_ffff)).default({}),
  /** What unicast routes say of its flow specifications (RFC 8955 §6, RFC 9117). */
  flow_validation: z.enum(['full', 'any-destination', 'none']).default('full'),
  /** Ours towards it (RFC 9234): `customer` where it is our provider. */
  role: z.enum(['provider', 'route-server', 'route-server-client', 'customer', 'peer']).optional(),
  /** It must say its role. */
  strict_role: z.boolean().default(false),
  /** Several paths of a prefix (RFC 7911). */
  add_path: z.enum(['none', 'receive', 'send', 'both']).default('none'),
  /** Its routes are kept for a while when it restarts (RFC 4724, RFC 8538). */
  graceful_restart: z.boolean().default(false),
  /** And for so long after that, as the last resort (RFC 9494); 0: not. */
  long_lived_seconds: seconds(0, 0xff_ffff).default(0),
  /** Messages of up to 65,535 bytes (RFC 8654). */
  extended_messages: z.boolean().default(true),
  /** IPv4 prefixes with next hops of IPv6 (RFC 8950). */
  extended_next_hop: z.boolean().default(false),
  /** Its AS has to be the leftmost one of AS_PATH. */
  first_as_check: z.boolean().default(true),
  /** AS_SET is taken, in spite of RFC 9774. */
  allow_as_set: z.boolean().default(false),
  route_reflector_client: z.boolean().default(false),
  route_server_client: z.boolean().default(false),
  next_hop_self: z.boolean().default(false),
  /** Our addresses as next hops, when they are others than the session's; `::` to a link-local neighbour: no global one. */
  next_hop4: ipAddress.optional(),
  next_hop6: ipAddress.optional(),
});

/** One BGP speaker by itself. */
const BgpSettings = z.strictObject({
  as: asNumber,
  router_id: routerId,
  /** Where connections are taken. */
  listen: z.array(hostPort).default(['0.0.0.0:179', '[::]:179']),
  /** The socket that `cloudbridge bgp status` asks. */
  socket: z.string().default('/run/cloudbridge/bgp.sock'),
  /** Where `/metrics`, `/healthz` and `/readyz` are served, as host:port; absent: nowhere. */
  metrics: hostPort.optional(),
  /** Of the cluster that is reflected for; the router id when it is absent (RFC 4456). */
  cluster_id: routerId.optional(),
  /** What neighbours are told when the speaker ends (RFC 9003). */
  shutdown_text: shutdownText.default(''),
  /** MULTI_EXIT_DISC of different ASes is compared too. */
  always_compare_med: z.boolean().default(false),
  /** `kernel`: routes are chosen whose next hops the kernel's main table leads to, by lower metrics first; `any`: it is not asked. */
  next_hops: z.enum(['any', 'kernel']).default('any'),
  /** MiB that routes may take, all in all: whoever announces more loses its session (RFC 4486, Out of Resources). */
  max_route_megabytes: z.int().min(16).max(65_536).default(1024),
  /** The BGP thread did not turn for so long, but for the time that it waited for a core: BFD says Down to all. */
  bfd_stuck_ms: z.int().min(150).max(60_000).default(2000),
  neighbor: z.array(Neighbor).default([]),
  originate: z.array(Origin).default([]),
  policy: PolicyFile.prefault({}),
  rpki: RpkiFile.prefault({}),
  mrt: MrtSettings.optional(),
  bmp: BmpFile.prefault({}),
});

export const BgpFile = BgpSettings.superRefine((file, context) => {
  const { ruleSets } = readPolicies(policiesOf(file.policy));
  const addresses = new Set<string>();
  const names = new Set<string>();
  for (const [i, neighbor] of file.neighbor.entries()) {
    const wrong = (setting: string, message: string): void =>
      context.addIssue({ code: 'custom', path: ['neighbor', i, setting], message });
    for (const [setting, message] of neighborFaults(file.as, neighbor)) wrong(setting, message);
    const address = addressWithZone(neighbor).toLowerCase();
    const name = neighborName(neighbor);
    if (addresses.has(address)) wrong('address', `${neighbor.address} is another neighbour's address already`);
    else if (names.has(name)) wrong('name', `"${name}" is another neighbour's name or address already`);
    addresses.add(address);
    names.add(name);
    for (const way of ['import', 'export'] as const) {
      const policy = neighbor[way];
      if (policy === undefined || PLAIN_POLICIES.includes(policy)) continue;
      const ruleSet = ruleSets.get(policy);
      const message =
        ruleSet === undefined
          ? `there is no rule set "${policy}" in [policy.rule_sets]`
          : way === 'import'
            ? importError(ruleSet)
            : undefined;
      if (message !== undefined) wrong(way, message);
    }
  }
});
export type BgpFile = z.infer<typeof BgpFile>;
export type BgpNeighborFile = BgpFile['neighbor'][number];

/** @param option that named the file @throws ConfigError */
export const readBgpFile = (file: string, option?: string): BgpFile => {
  const text = readConfigText(file, option);
  return /^\s*\{/.test(text) ? parseJson(BgpFile, text, file) : parseToml(BgpFile, text, file);
};
