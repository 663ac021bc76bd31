/** The configuration of `cloudbridge dns run`: TOML, or the same in JSON. `docs/dns.md` explains it. */
import { z } from 'zod';
import { hostPort, ipAddress, prefix } from './fields.ts';
import { parseJson, parseToml, readConfigText } from './toml-file.ts';

const domainName = z
  .string()
  .max(254)
  .regex(/^([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_-]{1,63}\.?$/, 'must be a domain name');
const latitude = z.number().min(-90).max(90);
const longitude = z.number().min(-180).max(180);

const Pop = z.strictObject({
  addresses: z.array(ipAddress).max(16).default([]),
  latitude: latitude.default(0),
  longitude: longitude.default(0),
  /** Nobody is to be led there while there is another. */
  down: z.boolean().default(false),
});

const Zone = z.strictObject({
  domain: domainName,
  /** Contact as SOA has it; hostmaster in the domain when it is absent. */
  mailbox: domainName.optional(),
  name_servers: z.array(domainName).min(1).max(16),
  services: z.array(domainName).max(1000).default([]),
  records: z.array(z.string().max(320)).max(1000).default([]),
  ttl_seconds: z.int().min(1).max(86_400).optional(),
});

const Place = z
  .strictObject({
    prefixes: z.array(prefix).min(1),
    /** Nearest first. */
    pops: z.array(z.string()).default([]),
    latitude: latitude.optional(),
    longitude: longitude.optional(),
  })
  .refine(
    ({ pops, latitude: north, longitude: east }) => pops.length > 0 || (north !== undefined && east !== undefined),
    'must have pops, or latitude and longitude',
  );

/** Against queries whose sender is not who sent them. */
export const DnsDefenceFile = {
  /** Responses by UDP in a second to one network (/24, /56) that shows no cookie; 0: any number. */
  rate_limit: z.int().min(0).max(1_000_000).default(200),
  /** A file of 16 bytes in hexadecimal that nobody else may read: the same for all that answer at one address. */
  cookie_secret: z.string().optional(),
};

/** One responder by itself. */
export const DnsFile = z.strictObject({
  /** Where queries are taken, by UDP and TCP. */
  listen: z.array(hostPort).min(1).default(['0.0.0.0:53', '[::]:53']),
  /** The socket that `cloudbridge dns status` asks. */
  socket: z.string().default('/run/cloudbridge/dns.sock'),
  ...DnsDefenceFile,
  /** Where `/metrics`, `/healthz` and `/readyz` are served, as host:port; absent: nowhere. */
  metrics: hostPort.optional(),
  /** The PoP that it is in, if it is in one: the nearest one for clients of whom nothing is known. */
  pop: z.string().optional(),
  pops: z.record(
    z
      .string()
      .regex(/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/, 'must be lower-case letters, digits and dashes, a letter first'),
    Pop,
  ),
  zone: z.array(Zone).min(1).max(100),
  place: z.array(Place).default([]),
  /** Asks each PoP's addresses by QUIC whether anybody serves there; without it all are taken for well. */
  health: z
    .strictObject({
      port: z.int().min(1).max(65_535).default(443),
      interval_ms: z.int().min(100).max(60_000).default(1000),
      /** Questions in a row without an answer. */
      fails: z.int().min(1).max(20).default(3),
    })
    .optional(),
});
export type DnsFile = z.infer<typeof DnsFile>;

/** @param option that named the file @throws ConfigError */
export const readDnsFile = (file: string, option?: string): DnsFile => {
  const text = readConfigText(file, option);
  return /^\s*\{/.test(text) ? parseJson(DnsFile, text, file) : parseToml(DnsFile, text, file);
};
