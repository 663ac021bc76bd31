import { readFile, stat } from 'node:fs/promises';
import type { NatsConnection } from '@nats-io/nats-core';
import { Bucket } from '#model/names.ts';
import { hindranceOf, listenAdmin } from '#services/api/admin.ts';
import type { ListenOptions } from '#services/api/node.ts';
import { AuthApp } from '#services/auth/app.ts';
import { ensureIdentity, type Identity } from '#services/auth/bootstrap.ts';
import { listenAuth } from '#services/auth/node.ts';
import type { VerifyToken } from '#services/authn/caller.ts';
import { createVerifier } from '#services/authn/verifier.ts';
import { serveConfig } from '#services/config/serve.ts';
import { InstallationKeyError, readInstallationKey } from '#services/store/installation-key.ts';
import { Sealer } from '#services/store/seal.ts';
import { ensureSigningKeys, POP_KEYS } from '#services/store/signing-keys.ts';
import { Store } from '#services/store/store.ts';
import { serveToken } from '#services/token/node.ts';
import { splitHostPort } from '#settings/fields.ts';
import { ConfigError } from '#settings/toml-file.ts';
import { createLogger, type Logger, levelFrom } from '#telemetry/logger.ts';
import { readServicesConfig, type ServicesConfig } from './config.ts';
import { connectStore } from './nats.ts';

type StoreService = 'auth' | 'token' | 'config';
export type Service = StoreService | 'edge';

interface Running {
  readonly port: number;
  close(graceMs: number): Promise<void>;
}

interface Parts {
  readonly config: ServicesConfig;
  readonly nats: NatsConnection;
  readonly sealer: Sealer;
  readonly identity: Identity;
  readonly report: (error: unknown) => void;
}

const GRACE_MS = 5000;

const listenOptions = async ({ tls }: ServicesConfig, address: string): Promise<ListenOptions> => ({
  ...splitHostPort(address),
  ...(tls && { tls: { cert: await readFile(tls.certificate, 'utf8'), key: await readFile(tls.key, 'utf8') } }),
});

const trustOf = ({ config, identity }: Parts): { readonly issuer: string; readonly project: string } => {
  const { issuer, project } = config.identity;
  return { issuer, project: project ?? identity.settings.projectId };
};

const verifierOf = (parts: Parts): VerifyToken => {
  const { config, identity } = parts;
  const { operator_organisation: operatorOrganisation } = config.identity;
  return createVerifier({
    ...trustOf(parts),
    operatorOrganisation: operatorOrganisation ?? identity.settings.organisationId,
  });
};

const missing = (section: string): never => {
  throw new ConfigError(`[${section}] is missing in the configuration`);
};

/** With `/healthz` and `/readyz` beside it, where an address for them is given; they answer until the last call has ended. */
const withAdmin = async (running: Running, nats: NatsConnection, address: string | undefined): Promise<Running> => {
  if (address === undefined) return running;
  let stopping = false;
  const hindrance = hindranceOf(nats, () => stopping);
  const admin = await listenAdmin(splitHostPort(address), hindrance).catch(async (error: unknown) => {
    await running.close(0);
    throw error;
  });
  return {
    port: running.port,
    close: async (graceMs) => {
      stopping = true;
      await running.close(graceMs);
      await admin.close(0);
    },
  };
};

/** One starter a service. */
const starters: Readonly<Record<StoreService, (parts: Parts) => Promise<Running>>> = {
  auth: async ({ config, nats, identity, report }) => {
    const app = new AuthApp({ identity, issuer: config.identity.issuer, report });
    const listener = await listenAuth(app, await listenOptions(config, config.auth.listen));
    const running = { port: listener.port, close: () => listener.close() };
    return withAdmin(running, nats, config.auth.admin);
  },
  token: async (parts) => {
    const { config, nats, sealer, report } = parts;
    const { listen, issuer, admin } = config.token ?? missing('token');
    await ensureSigningKeys(await Store.open(nats, Bucket.config), POP_KEYS, sealer);
    const verify = verifierOf(parts);
    const authorization = { ...trustOf(parts), url: issuer, tokenService: issuer };
    const app = { nats, sealer, verify, authorization, issuer, report };
    return withAdmin(await serveToken(app, await listenOptions(config, listen)), nats, admin);
  },
  config: async (parts) => {
    const { config, nats, report } = parts;
    const { listen, url, admin, revision_key: keyFile, refused } = config.config ?? missing('config');
    const { issuer } = config.token ?? missing('token');
    return serveConfig({
      nats,
      verify: verifierOf(parts),
      authorization: { ...trustOf(parts), url, tokenService: issuer },
      listen: await listenOptions(config, listen),
      admin: splitHostPort(admin),
      revisionKey: await readOwn(keyFile),
      tokenIssuer: issuer,
      refusedPrefixes: refused,
      report,
    });
  },
};

/** Reads a secret that nobody else may read. */
const readOwn = async (file: string): Promise<string> => {
  if (((await stat(file)).mode & 0o077) !== 0)
    throw new ConfigError(`${file} may be read by others: chmod 600 ${file}`);
  return readFile(file, 'utf8');
};

const start = async (service: StoreService, file: string, log: Logger): Promise<void> => {
  const config = readServicesConfig(file);
  const sealer = await Sealer.create(await readInstallationKey(config.installation_key));
  const report = (error: unknown): void => log.error('an error of the service itself', { error });
  const nats = await connectStore(config, `cloudbridge-${service}`, report);
  const open = async (): Promise<Running> => {
    const identity = await ensureIdentity(nats, sealer);
    return starters[service]({ config, nats, sealer, identity, report });
  };
  const running = await open().catch(async (error: unknown) => {
    // An open connection would keep the process from ending.
    await nats.close();
    throw error;
  });
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      log.info('stopping', { signal });
      running
        .close(GRACE_MS)
        .then(() => nats.close())
        .then(() => process.exit(0))
        .catch(report);
    });
  }
  // Last: who reads this may send a signal at once.
  log.info('serving', { port: running.port });
  process.send?.({ ready: true, port: running.port });
};

/** Runs a service until it is told to stop. @returns the exit code when it could not be started */
export const runService = async (service: Service, file: string): Promise<number | undefined> => {
  const log = createLogger({
    level: levelFrom(process.env['CBR_LOG']),
    write: (line) => void process.stderr.write(line),
    now: () => new Date(),
  }).with({ service });
  try {
    if (service === 'edge') await (await import('./edge.ts')).runEdge(file, log);
    else await start(service, file, log);
    return undefined;
  } catch (error) {
    const forPeople = error instanceof ConfigError || error instanceof InstallationKeyError;
    if (forPeople) log.error(error.message);
    else log.error('the service cannot start', { error });
    return 1;
  }
};
