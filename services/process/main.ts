import type { NatsConnection } from '@nats-io/nats-core';
import { Bucket } from '#model/names.ts';
import { listenAdmin } from '#services/api/admin.ts';
import type { Meter } from '#services/api/meter.ts';
import type { ListenOptions } from '#services/api/node.ts';
import { AuthApp } from '#services/auth/app.ts';
import { ensureIdentity, type Identity } from '#services/auth/bootstrap.ts';
import { listenAuth } from '#services/auth/node.ts';
import type { VerifyToken } from '#services/authn/caller.ts';
import { createVerifier } from '#services/authn/verifier.ts';
import { readRevisionKey } from '#services/config/revision-key.ts';
import { serveConfig } from '#services/config/serve.ts';
import { InstallationKeyError, readInstallationKey } from '#services/store/installation-key.ts';
import { SealError, Sealer } from '#services/store/seal.ts';
import { ensureSigningKeys, POP_KEYS } from '#services/store/signing-keys.ts';
import { Store } from '#services/store/store.ts';
import { serveToken } from '#services/token/node.ts';
import { splitHostPort } from '#settings/fields.ts';
import { readSecretFile, readTlsPair } from '#settings/key-files.ts';
import { ConfigError } from '#settings/toml-file.ts';
import { createLogger, type Logger, levelFrom } from '#telemetry/logger.ts';
import { readServicesConfig, type ServicesConfig } from './config.ts';
import { listening } from './listening.ts';
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
/** After a start that failed. */
const LAST_MS = 1000;

const listenOptions = ({ tls }: ServicesConfig, address: string): ListenOptions => {
  if (tls === undefined) return splitHostPort(address);
  const { certificate: cert, key } = readTlsPair(tls, new Date());
  return { ...splitHostPort(address), tls: { cert, key } };
};

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

/** With the admin's paths beside it, where an address for them is given; they answer until the last call has ended. */
const withAdmin = async (
  service: 'auth' | 'token',
  running: Running,
  {
    nats,
    meter,
    address,
  }: { readonly nats: NatsConnection; readonly meter: Meter; readonly address: string | undefined },
): Promise<Running> => {
  if (address === undefined) return running;
  let stopping = false;
  const opening = listenAdmin({ ...splitHostPort(address), service, nats, meter, isStopping: () => stopping });
  const admin = await listening({ [`[${service}] admin`]: address }, opening).catch(async (error: unknown) => {
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
    const { listen, admin } = config.auth;
    const running = await listening({ '[auth] listen': listen }, listenAuth(app, listenOptions(config, listen)));
    return withAdmin('auth', running, { nats, meter: app.meter, address: admin });
  },
  token: async (parts) => {
    const { config, nats, sealer, report } = parts;
    const { listen, issuer, admin } = config.token ?? missing('token');
    await ensureSigningKeys(await Store.open(nats, Bucket.config), POP_KEYS, sealer);
    const verify = verifierOf(parts);
    const authorization = { ...trustOf(parts), url: issuer, tokenService: issuer };
    const app = { nats, sealer, verify, authorization, issuer, report };
    const running = await listening({ '[token] listen': listen }, serveToken(app, listenOptions(config, listen)));
    return withAdmin('token', running, { nats, meter: running.meter, address: admin });
  },
  config: async (parts) => {
    const { config, nats, report } = parts;
    const { listen, url, admin, revision_key: keyFile, refused } = config.config ?? missing('config');
    const { issuer } = config.token ?? missing('token');
    const revisionKey = readSecretFile(keyFile, 'the key of revisions').toString();
    await readRevisionKey(revisionKey).catch(() => {
      // Without the cause: its words may be of the key.
      throw new ConfigError(`the key of revisions ${keyFile} holds no such key: put it back from a backup`);
    });
    const serving = serveConfig({
      nats,
      verify: verifierOf(parts),
      authorization: { ...trustOf(parts), url, tokenService: issuer },
      listen: listenOptions(config, listen),
      admin: splitHostPort(admin),
      revisionKey,
      tokenIssuer: issuer,
      refusedPrefixes: refused,
      report,
    });
    return listening({ '[config] listen': listen, '[config] admin': admin }, serving);
  },
};

const start = async (service: StoreService, file: string, log: Logger): Promise<void> => {
  const config = readServicesConfig(file, '--config');
  const sealer = await Sealer.create(await readInstallationKey(config.installation_key));
  const report = (error: unknown): void => log.error('an error of the service itself', { error });
  const nats = await connectStore(config, `cloudbridge-${service}`, report);
  const open = async (): Promise<Running> => {
    const identity = await ensureIdentity(nats, sealer).catch((error: unknown) => {
      if (!(error instanceof SealError)) throw error;
      const text = `${config.installation_key} is not the key that the secrets in NATS are sealed under`;
      throw new ConfigError(`${text} (${error.message}): put this installation's own there`);
    });
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
  // It would end the process; to read its files anew a service is restarted.
  process.on('SIGHUP', () => log.info('SIGHUP changes nothing: restart the service to read its files anew'));
  try {
    if (service === 'edge') await (await import('./edge.ts')).runEdge(file, log);
    else await start(service, file, log);
    return undefined;
  } catch (error) {
    const forPeople = error instanceof ConfigError || error instanceof InstallationKeyError;
    if (forPeople) log.error(error.message);
    else log.error('the service cannot start', { error });
    // What was opened before must not keep the process.
    setTimeout(() => process.exit(1), LAST_MS).unref();
    return 1;
  }
};
