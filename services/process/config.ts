import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { hostPort, natsServers, prefix } from '#settings/fields.ts';
import { parseToml, readConfigText } from '#settings/toml-file.ts';

export const url = z.string().regex(/^https?:\/\/[^/]+$/, 'must be an http(s) URL without a path');

/** What the processes of all services read; each takes what it needs. */
export const ServicesFile = z.strictObject({
  nats: z.strictObject({
    servers: natsServers,
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
  auth: z
    .strictObject({
      listen: hostPort,
      /** Where `/healthz`, `/readyz` and `/metrics` are; without it nowhere. */
      admin: hostPort.optional(),
    })
    .prefault({ listen: '127.0.0.1:9443' }),
  token: z.strictObject({ listen: hostPort, issuer: url, admin: hostPort.optional() }).optional(),
  config: z
    .strictObject({
      listen: hostPort,
      /** Where callers reach it; else by whatever name each of them uses. */
      url: url.optional(),
      admin: hostPort.default('127.0.0.1:9465'),
      /** File with the Ed25519 key that signs revisions; nobody else may read it. */
      revision_key: z.string(),
      /** Destinations, as prefixes, that no tunnel of the fleet leads to. */
      refused: z.array(prefix).default([]),
    })
    .optional(),
});
export type ServicesConfig = z.infer<typeof ServicesFile>;

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

/** @param option that named the file, if one did: `--config` @throws ConfigError when it cannot be read or is wrong */
export const readServicesConfig = (file: string, option?: string): ServicesConfig =>
  parseServicesConfig(readConfigText(file, option), file);
