import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { z } from 'zod';

export const hostPort = z.string().regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$/, 'must be host:port');
export const url = z.string().regex(/^https?:\/\/[^/]+$/, 'must be an http(s) URL without a path');

/** @param text `host:port`, an IPv6 address in brackets */
export const splitHostPort = (text: string): { host: string; port: number } => {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(at + 1)) };
};

const isPrefix = (text: string): boolean => {
  const [address = '', length = '', ...rest] = text.split('/');
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return rest.length === 0 && /^\d{1,3}$/.test(length) && Number(length) <= bits;
};

/** What the processes of all services read; each takes what it needs. */
export const ServicesFile = z.strictObject({
  nats: z.strictObject({
    servers: z.array(z.string().regex(/^(nats|tls):\/\//, 'must be nats://… or tls://…')).min(1),
    credentials: z.string().optional(),
    ca: z.string().optional(),
    /** 1 on a single server (which must sync always), 3 on separate machines. */
    replicas: z.union([z.literal(1), z.literal(3)]).default(1),
  }),
  /** File with the key that seals secrets in the store; nobody else may read it. */
  installation_key: z.string(),
  tls: z.strictObject({ certificate: z.string(), key: z.string() }).optional(),
  identity: z.strictObject({
    /** Exactly as it stands in access tokens: the built-in issuer's own URL, or a Zitadel's. */
    issuer: url,
    /** Project of a Zitadel; the built-in issuer has its own. */
    project: z.string().optional(),
    /** With a Zitadel: operators must belong to this organisation. */
    operator_organisation: z.string().optional(),
  }),
  auth: z.strictObject({ listen: hostPort }).prefault({ listen: '127.0.0.1:9443' }),
  token: z.strictObject({ listen: hostPort, issuer: url }).optional(),
  config: z
    .strictObject({
      listen: hostPort,
      /** Where callers reach it; else by whatever name each of them uses. */
      url: url.optional(),
      admin: hostPort.default('127.0.0.1:9465'),
      /** File with the Ed25519 key that signs revisions; nobody else may read it. */
      revision_key: z.string(),
      /** Destinations, as prefixes, that no tunnel of the fleet leads to. */
      refused: z.array(z.string().refine(isPrefix, 'must be a prefix, such as 10.0.0.0/8')).default([]),
    })
    .optional(),
});
export type ServicesConfig = z.infer<typeof ServicesFile>;

/** Something in the file is wrong; one line for each thing, with its place. */
export class ServicesConfigError extends Error {
  override readonly name = 'ServicesConfigError';
}

/** What a schema makes of a TOML text. @param file path for messages @throws ServicesConfigError */
export const parseToml = <T>(schema: z.ZodType<T>, text: string, file: string): T => {
  let values: unknown;
  try {
    values = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new ServicesConfigError(`${file}:${error.line}:${error.column}: ${error.message.split('\n')[0]}`);
  }
  const result = schema.safeParse(values);
  if (result.success) return result.data;
  const lines = result.error.issues.map(({ path, message }) => `${file}: ${path.join('.') || 'top level'}: ${message}`);
  throw new ServicesConfigError(lines.join('\n'));
};

/** @param file path for messages, and what relative paths in it are relative to */
export const parseServicesConfig = (text: string, file: string): ServicesConfig =>
  withPaths(parseToml(ServicesFile, text, file), dirname(resolve(file)));

const withPaths = (values: ServicesConfig, base: string): ServicesConfig => {
  const at = (path: string): string => resolve(base, path);
  const { nats, tls, config } = values;
  return {
    ...values,
    nats: {
      ...nats,
      ...(nats.credentials !== undefined && { credentials: at(nats.credentials) }),
      ...(nats.ca !== undefined && { ca: at(nats.ca) }),
    },
    installation_key: at(values.installation_key),
    ...(tls && { tls: { certificate: at(tls.certificate), key: at(tls.key) } }),
    ...(config && { config: { ...config, revision_key: at(config.revision_key) } }),
  };
};

/** @throws ServicesConfigError when it cannot be read */
export const readConfigText = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ServicesConfigError(`${file} cannot be read (${code}): name a configuration with --config`);
  }
};

/** @throws ServicesConfigError when the file cannot be read or is wrong */
export const readServicesConfig = (file: string): ServicesConfig => parseServicesConfig(readConfigText(file), file);
