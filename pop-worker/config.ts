import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { isId } from '#model/names.ts';
import { controllerNames, DEFAULT_CONTROLLER } from '#protocol/congestion/registry.ts';
import { parsePrefix } from '#protocol/ip/text.ts';
import { FORMAT_NAMES } from '#protocol/qlog/format/registry.ts';
import { hostPort, ipAddress, natsServers, prefix } from '#settings/fields.ts';
import { ConfigError, parseToml, readConfigText } from '#settings/toml-file.ts';
import { BgpSection, withBgpPaths } from './anycast/bgp-settings.ts';
import { BfdSection, withBfdPaths } from './bfd-settings.ts';
import { ChecksSection } from './checks-settings.ts';
import { DnsSection, withDnsPaths } from './dns-settings.ts';
import { type HandoffConfig, HandoffFile, handoffFault, withMesh } from './handoff-config.ts';
import { MeshSection, withMeshPaths } from './mesh-settings.ts';
import { NatSection, natFault } from './nat-settings.ts';
import { RoutingFile } from './routing-config.ts';
import { WireGuardSection, wireGuardFault, withWireGuardPaths } from './wireguard-settings.ts';

const id = z.string().refine(isId, 'must be lower-case letters, digits and dashes, at most 40');
const ofFamily = (bytes: 4 | 16) => (text: string) => parsePrefix(text)?.address.length === bytes;
const port = z.int().min(0).max(65_535);

/** One worker's own file; everything that the fleet shares comes from the control plane. */
export const WorkerFile = z.strictObject({
  pop: id,
  worker: id,
  /** Where it keeps the last known good state. */
  state_directory: z.string().default('/var/lib/cloudbridge'),
  /** How long sessions are given to move away before a stop ends them. */
  drain_seconds: z.int().min(0).max(3600).default(10),
  listen: z.strictObject({
    /** Addresses that clients connect to; one UDP socket each and thread. */
    addresses: z.array(ipAddress).min(1),
    port: port.default(443),
    /** Devices whose networks let no UDP through come by HTTP/2 over TCP, at the same addresses and port. */
    tcp: z.boolean().default(true),
    /** Data-plane threads; best one for each core that is to forward. */
    threads: z.int().min(1).max(64).default(1),
    /** Threads of the worker that do handshakes; 0: each data-plane thread does those of its own connections. */
    handshake_threads: z.int().min(0).max(64).default(1),
    /** For what goes to devices. */
    congestion_control: z
      .string()
      .refine((name) => controllerNames().includes(name), `must be one of ${controllerNames().join(', ')}`)
      .default(DEFAULT_CONTROLLER),
  }),
  tls: z.strictObject({
    /** PEM files; the key must not be readable by others. */
    certificate: z.string(),
    key: z.string(),
    /** 80 bytes that all workers share, so that a session can be resumed at another one. */
    ticket_keys: z.string().optional(),
    /** 32 bytes: resets connections that an earlier process held (RFC 9000 §10.3). */
    reset_key: z.string().optional(),
    /** Keys of connection IDs, the one that makes them first; without it there is one, which follows from the reset key. */
    cid_keys: z.string().optional(),
  }),
  tun: z
    .strictObject({
      /** Without one only CONNECT and CONNECT-UDP are served, by ordinary sockets, and no privilege is needed. */
      enabled: z.boolean().default(true),
      name: z.string().min(1).max(15).default('cloudbridge0'),
      /** Stands for inner IPv4 addresses outside of the tunnels (RFC 6598). */
      carriers: prefix
        .refine(
          (text) => ofFamily(4)(text) && (parsePrefix(text)?.length ?? 32) <= 30,
          'must be IPv4 and /30 or larger',
        )
        .default('100.64.0.0/16'),
      /** Addresses that ICMP errors come from. */
      router4: ipAddress.refine(ofFamily(4), 'must be IPv4').default('100.64.0.1'),
      router6: ipAddress.refine(ofFamily(16), 'must be IPv6').default('fd00:cb::1'),
      /** Translate to the worker's own addresses on the way out (nftables masquerade). */
      masquerade: z.boolean().default(true),
      /**
       * Tenants' IPv6 networks are routed to the workers of the fleet, to whichever: addresses stay as they are, and each worker
       * hands on what it gets to the one where its device is, which alone knows what the device asked for.
       */
      routed6: z.boolean().default(false),
      /** Turn the kernel's forwarding on where it is off; in a namespace of `ip netns` that is done unasked. */
      set_forwarding: z.boolean().default(false),
      /** Of the kernel's side: larger packets from outside are answered or cut there. */
      mtu: z.int().min(1280).max(9000).default(1400),
    })
    .prefault({}),
  /** Translates IPv4 to outside addresses of our own; absent: the kernel does, to the worker's. */
  nat44: NatSection.optional(),
  /** Devices come by WireGuard too; absent: they do not. */
  wireguard: WireGuardSection.optional(),
  admin: z
    .strictObject({
      listen: hostPort.default('127.0.0.1:9464'),
      socket: z.string().default('/run/cloudbridge/admin.sock'),
    })
    .prefault({}),
  proxy: z
    .strictObject({
      /** More destinations that no tunnel leads to. */
      refused: z.array(prefix).default([]),
      /** Exceptions from what is never a destination, for labs; empty in earnest. */
      allowed: z.array(prefix).default([]),
      resolvers: z.array(ipAddress).default([]),
    })
    .prefault({}),
  /** Logs of QUIC and HTTP/3 connections for tools such as qvis. */
  qlog: z
    .strictObject({
      /** Must be there. */
      directory: z.string(),
      /** From the start; else when told at the admin socket (`cloudbridge worker qlog on`). */
      enabled: z.boolean().default(false),
      /** Of the current drafts, or the older one that qvis loads. */
      format: z.enum(FORMAT_NAMES).default('sequential'),
      /** Logged at the same time. */
      connections: z.int().min(1).max(1000).default(100),
      connection_bytes: z
        .int()
        .min(1 << 16)
        .default(1 << 24),
      /** In the directory altogether, with what earlier ones left. */
      total_bytes: z
        .int()
        .min(1 << 16)
        .default(1 << 28),
    })
    .optional(),
  checks: ChecksSection.prefault({}),
  /** Routers that are to know within a fraction of a second when this worker forwards nothing. */
  bfd: BfdSection.optional(),
  /** Announces the anycast prefixes; without it nothing is announced. */
  bgp: BgpSection.optional(),
  /** Answers for the zones of the API; without it no name is answered. */
  dns: DnsSection.optional(),
  handoff: HandoffFile.optional(),
  /** Routes and rules of the kernel that are this worker's own. */
  routing: RoutingFile.optional(),
  /** Other workers, and how they and this one know each other. */
  mesh: MeshSection.optional(),
  control: z
    .strictObject({
      servers: natsServers,
      credentials: z.string().optional(),
      ca: z.string().optional(),
      /** Ed25519 public keys (base64url of 32 bytes) by their IDs, which revisions must be signed by. */
      revision_keys: z.record(z.string(), z.string()),
    })
    .optional(),
  /** What a worker without control plane serves. */
  static: z
    .strictObject({
      issuer: z.string(),
      jwks: z.string(),
      /** File with a JSON array of {"tenant", "device"?, "tokenId"?}; SIGHUP reads it and the keys again. */
      revocations: z.string().optional(),
      /** File with what PoPs announce and to whom, as `prefix`, `bgp neighbor` and `uplink` have it in the API. */
      routing: z.string().optional(),
      /** File with what names lead to: zones, places and PoPs as the API has them. */
      dns: z.string().optional(),
      /** File with a JSON array of WireGuard peers, readable by nobody else; read again as the others. */
      wireguard: z.string().optional(),
      tenants: z.array(z.strictObject({ id, prefixes: z.array(prefix).min(1) })),
    })
    .optional(),
});
export type WorkerConfig = Omit<z.infer<typeof WorkerFile>, 'handoff'> & { readonly handoff?: HandoffConfig };

/** @param file path for messages, and what relative paths in it are relative to */
export const parseWorkerConfig = (text: string, file: string): WorkerConfig => {
  const { handoff: section, ...rest } = parseToml(WorkerFile, text, file);
  const handoff = section && withMesh(section, rest.mesh);
  if (typeof handoff === 'string') throw new ConfigError(`${file}: ${handoff}`);
  const config = { ...rest, ...(handoff && { handoff }) };
  const carriers = 2 ** (32 - (parsePrefix(config.tun.carriers)?.length ?? 32)) - 2;
  if (config.listen.threads > carriers) {
    throw new ConfigError(
      `${file}: tun.carriers: ${carriers} addresses are too few for ${config.listen.threads} threads`,
    );
  }
  if ((config.control === undefined) === (config.static === undefined)) {
    throw new ConfigError(`${file}: exactly one of [control] and [static] must be there`);
  }
  if (config.mesh !== undefined && config.mesh.member === undefined && config.control === undefined) {
    throw new ConfigError(`${file}: mesh.member: without [control] nobody else gives the worker its number`);
  }
  const fault = handoff && handoffFault(handoff, config.listen.threads);
  if (fault !== undefined) throw new ConfigError(`${file}: ${fault}`);
  if (handoff !== undefined && config.tls.reset_key === undefined) {
    throw new ConfigError(`${file}: [handoff] needs tls.reset_key, the same one at all workers`);
  }
  const { nat44 } = config;
  const natWrong = nat44 && natFault(nat44, config.listen.threads, config.tun.masquerade);
  if (natWrong !== undefined) throw new ConfigError(`${file}: ${natWrong}`);
  const { wireguard } = config;
  const wireguardWrong = wireguard && wireGuardFault(wireguard, config.listen, config.tun);
  if (wireguardWrong !== undefined) throw new ConfigError(`${file}: ${wireguardWrong}`);
  return withPaths(config, dirname(resolve(file)));
};

const withPaths = (config: WorkerConfig, base: string): WorkerConfig => {
  const at = (path: string): string => resolve(base, path);
  const maybe = (path: string | undefined): string | undefined => (path === undefined ? undefined : at(path));
  const { tls, control, bfd, bgp, dns, handoff, mesh, wireguard } = config;
  return {
    ...config,
    state_directory: at(config.state_directory),
    tls: {
      certificate: at(tls.certificate),
      key: at(tls.key),
      ticket_keys: maybe(tls.ticket_keys),
      reset_key: maybe(tls.reset_key),
      cid_keys: maybe(tls.cid_keys),
    },
    admin: { ...config.admin, socket: at(config.admin.socket) },
    ...(bfd && { bfd: withBfdPaths(bfd, at) }),
    ...(bgp && { bgp: withBgpPaths(bgp, at) }),
    ...(dns && { dns: withDnsPaths(dns, at) }),
    ...(handoff && {
      handoff: { ...handoff, peers: handoff.peers.map((peer) => ({ ...peer, key: at(peer.key) })) },
    }),
    ...(mesh && { mesh: withMeshPaths(mesh, at) }),
    ...(wireguard && { wireguard: withWireGuardPaths(wireguard, at) }),
    ...(config.qlog && { qlog: { ...config.qlog, directory: at(config.qlog.directory) } }),
    ...(config.static && {
      static: {
        ...config.static,
        jwks: at(config.static.jwks),
        revocations: maybe(config.static.revocations),
        routing: maybe(config.static.routing),
        dns: maybe(config.static.dns),
        wireguard: maybe(config.static.wireguard),
      },
    }),
    ...(control && { control: { ...control, credentials: maybe(control.credentials), ca: maybe(control.ca) } }),
  };
};

/** @param option that named the file, if one did: `--config` @throws ConfigError when it cannot be read or is wrong */
export const readWorkerConfig = (file: string, option?: string): WorkerConfig =>
  parseWorkerConfig(readConfigText(file, option), file);
