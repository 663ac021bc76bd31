import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { hostPort } from '#settings/fields.ts';
import { parseToml, readConfigText } from '#settings/toml-file.ts';
import { url } from './config.ts';

/** What `cloudbridge serve edge` reads: no more than the edge needs, for it may stand on a machine of its own. */
export const EdgeFile = z.strictObject({
  listen: hostPort,
  /** `/healthz`, `/readyz` and `/metrics`, for the operator's machines; without it, nowhere. */
  admin: hostPort.optional(),
  tls: z.strictObject({ certificate: z.string(), key: z.string() }).optional(),
  nats: z.strictObject({
    /** NATS over WebSocket. */
    url: z.string().regex(/^wss?:\/\/[^/]+$/, 'must be wss://… or ws://… without a path'),
    credentials: z.string().optional(),
    ca: z.string().optional(),
  }),
  identity: z.strictObject({
    /** Exactly as it stands in access tokens. */
    issuer: url,
    project: z.string(),
    /** Only its members can be operators; without it, nobody can. */
    operator_organisation: z.string().default(''),
  }),
  /** Where devices' tokens come from, for those who ask the API. */
  token: z.strictObject({ issuer: url }).optional(),
});
export type EdgeConfig = z.infer<typeof EdgeFile>;

/** @param file path for messages, and what relative paths in it are relative to @throws ConfigError */
export const parseEdgeConfig = (text: string, file: string): EdgeConfig => {
  const config = parseToml(EdgeFile, text, file);
  const at = (path: string): string => resolve(dirname(resolve(file)), path);
  const { tls, nats } = config;
  return {
    ...config,
    ...(tls && { tls: { certificate: at(tls.certificate), key: at(tls.key) } }),
    nats: {
      ...nats,
      ...(nats.credentials !== undefined && { credentials: at(nats.credentials) }),
      ...(nats.ca !== undefined && { ca: at(nats.ca) }),
    },
  };
};

/** @param option that named the file, if one did: `--config` @throws ConfigError when it cannot be read or is wrong */
export const readEdgeConfig = (file: string, option?: string): EdgeConfig =>
  parseEdgeConfig(readConfigText(file, option), file);
