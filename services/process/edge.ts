import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { startWorkerd, type Workerd } from '#services/api/workerd.ts';
import { splitHostPort } from '#settings/fields.ts';
import { readCertificate, readSecretFile, readTlsPair } from '#settings/key-files.ts';
import { parseToml } from '#settings/toml-file.ts';
import type { Logger } from '#telemetry/logger.ts';
import { type EdgeConfig, readEdgeConfig } from './edge-config.ts';
import { listening } from './listening.ts';

const root = path.join(import.meta.dirname, '../..');

/** What of `wrangler.toml` says how the Worker is to be run, wherever it runs. */
const Wrangler = z.object({
  main: z.string(),
  compatibility_date: z.string(),
  durable_objects: z.object({ bindings: z.array(z.object({ name: z.string(), class_name: z.string() })) }),
});

/** Runs the edge Worker as the configuration says; resolves once it listens. @param log is told what it writes */
export const startEdge = async (config: EdgeConfig, log: (line: string) => void): Promise<Workerd> => {
  const { tls, nats, identity, token, listen, admin } = config;
  const file = path.join(root, 'wrangler.toml');
  const worker = parseToml(Wrangler, await readFile(file, 'utf8'), file);
  const pair = tls && readTlsPair(tls, new Date());
  // As `wrangler dev` does.
  const authorities = [nats.ca, process.env['NODE_EXTRA_CA_CERTS']].filter((each) => each !== undefined);
  const starting = startWorkerd({
    main: path.join(root, worker.main),
    compatibilityDate: worker.compatibility_date,
    durableObjects: Object.fromEntries(
      worker.durable_objects.bindings.map(({ name, class_name: className }) => [name, className]),
    ),
    variables: {
      NATS_URL: nats.url,
      IDENTITY_ISSUER: identity.issuer,
      IDENTITY_PROJECT: identity.project,
      IDENTITY_OPERATOR_ORGANISATION: identity.operator_organisation,
      ...(token && { TOKEN_ISSUER: token.issuer }),
    },
    ...(nats.credentials !== undefined && {
      secrets: { NATS_CREDS: readSecretFile(nats.credentials, 'the credentials file').toString() },
    }),
    listen: {
      ...splitHostPort(listen),
      ...(pair && { tls: { key: pair.key, cert: pair.certificate } }),
    },
    admin: admin === undefined ? undefined : splitHostPort(admin),
    trusted: authorities.map((each) => readCertificate(each, 'the CA file')),
    log,
  });
  return listening({ listen, ...(admin !== undefined && { admin }) }, starting);
};

/** Runs the edge Worker until it is told to stop. @throws when it cannot be started */
export const runEdge = async (file: string, log: Logger): Promise<void> => {
  const workerd = await startEdge(readEdgeConfig(file, '--config'), (line) => log.warn('workerd', { line }));
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      log.info('stopping', { signal });
      workerd.kill(stopping ? 'SIGKILL' : 'SIGTERM');
      stopping = true;
    });
  }
  workerd.ended.then((how) => {
    if (!stopping) log.error(`workerd ${how}`);
    process.exit(stopping ? 0 : 1);
  });
  const { port, adminPort } = workerd;
  log.info('serving', { port });
  process.send?.({ ready: true, port, adminPort });
};
