/** `[service.check]` of a service of `cloudbridge xdp run`. */
import { z } from 'zod';
import { parseIpAddress } from '#protocol/ip/text.ts';

const isHost = (text: string): boolean =>
  parseIpAddress(text) !== undefined || /^(?=.{1,253}$)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$/.test(text);

const host = z.string().refine(isHost, 'must be a name of a host, or an IP address').optional();

const COMMON = {
  /** Where backends are checked; absent: the service's. */
  port: z.int().min(1).max(65_535).optional(),
  interval_seconds: z.number().min(0.1).max(3600).default(5),
  /** Absent: two, or the interval where that is shorter. */
  timeout_seconds: z.number().min(0.05).max(60).optional(),
  /** Checks in a row that must pass before a backend that was down is up. */
  rise: z.int().min(1).max(100).default(2),
  /** Checks in a row that must fail before it is down. */
  fall: z.int().min(1).max(100).default(3),
};

const TLS = {
  /** Whether the server's certificate must be valid, and of `host`; absent: of the backend's address. */
  verify: z.boolean().default(true),
  /** Whose certificates are trusted, in PEM; absent: the authorities that Node knows. */
  ca_file: z.string().optional(),
};

const HTTP = {
  path: z
    .string()
    .max(1024)
    .regex(/^\/[\x21-\x7e]*$/, 'must begin with / and have no spaces')
    .default('/'),
  /** Of `Host`, and of SNI; absent: the backend's address. */
  host,
  /** That are right; empty: 200 to 299. */
  status: z.array(z.int().min(200).max(599)).max(50).default([]),
};

const KINDS = [
  z.strictObject({ kind: z.enum(['tcp', 'quic']), ...COMMON }),
  z.strictObject({ kind: z.literal('http'), ...COMMON, ...HTTP }),
  z.strictObject({ kind: z.literal('https'), ...COMMON, ...HTTP, ...TLS }),
  z.strictObject({
    ...{ kind: z.literal('grpc'), ...COMMON, host, ...TLS },
    /** That the server is asked about; empty: the server itself. */
    grpc_service: z
      .string()
      .regex(/^[\x21-\x7e]{0,127}$/, 'must be 127 printable characters at most')
      .default(''),
    /** Whether HTTP/2 is spoken in TLS. */
    tls: z.boolean().default(false),
  }),
] as const;

export const XdpCheck = z
  .discriminatedUnion('kind', KINDS, { error: 'must be tcp, http, https, grpc or quic' })
  .refine(
    ({ interval_seconds: interval, timeout_seconds: timeout = 0 }) => timeout <= interval,
    'must have a timeout_seconds that is not above its interval_seconds',
  );
export type XdpCheckFile = z.infer<typeof XdpCheck>;
