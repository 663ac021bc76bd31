import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/nats-core';
import { importPKCS8, SignJWT } from 'jose';
import { stringify } from 'smol-toml';
import { IdentityAdmin, type ServiceAccountKey } from '#services/auth/admin.ts';
import { ensureIdentity, type Identity } from '#services/auth/bootstrap.ts';
import { generateRevisionKey } from '#services/config/revision-key.ts';
import { ensureInstallationKey, readInstallationKey } from '#services/store/installation-key.ts';
import { Sealer } from '#services/store/seal.ts';
import { startNatsServer } from '#services/store/testing/nats-server.ts';
import { readServicesConfig } from '../config.ts';
import type { Service } from '../main.ts';
import { connectStore } from '../nats.ts';

const COPIES = 2;
const PORTS: Readonly<Record<Service, number>> = { auth: 9443, token: 9444, config: 9445, edge: 9446 };
const root = join(import.meta.dirname, '../../..');

/** Two copies of each service as processes, behind balancers, on a NATS server. */
export interface Fleet {
  readonly nats: NatsConnection;
  readonly identity: Identity;
  readonly admin: IdentityAdmin;
  /** Of the balancer. */
  url(service: Service): string;
  /** Ends one copy at once. */
  kill(service: Service, copy: number): Promise<void>;
  /** An access token of a service account (RFC 7523), asked for until it comes. */
  accessToken(key: ServiceAccountKey): Promise<string>;
  close(): Promise<void>;
}

/** Starts a program of this project; resolves when it says that it serves. */
const run = (args: readonly string[]): Promise<ChildProcess> =>
  new Promise((resolve, reject) => {
    // In a group of its own: what it starts dies with it.
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached: true,
    });
    let log = '';
    child.stderr?.on('data', (chunk) => (log += String(chunk)));
    child.once('message', () => resolve(child));
    child.once('exit', () => reject(new Error(`${args.join(' ')} ended: ${log}`)));
  });

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  process.kill(-(child.pid as number), 'SIGKILL');
  await ended;
};

export const startFleet = async (): Promise<Fleet> => {
  // Any address of 127.0.0.0/8 is this machine's: with one of this process alone, the usual ports are free.
  const host = `127.80.${(process.pid >> 8) & 255}.${process.pid & 255}`;
  const url = (service: Service): string => `http://${host}:${PORTS[service]}`;
  const at = (service: Service, copy: number): string => `${host}:${PORTS[service] + 1000 * (copy + 1)}`;
  const folder = await mkdtemp(join(tmpdir(), 'cloudbridge-fleet-'));
  const server = await startNatsServer();
  const children = new Map<string, ChildProcess>();
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(closers.map((each) => each()));
    await Promise.all([...children.values()].map(end));
    await server.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const files = await Promise.all(Array.from({ length: COPIES }, (_, copy) => writeServicesFile(copy)));
    const config = readServicesConfig(files[0] as string);
    const nats = await connectStore(config, 'test', (error) => console.error(error));
    closers.push(() => nats.close());
    const identity = await ensureIdentity(
      nats,
      await Sealer.create(await readInstallationKey(config.installation_key)),
    );
    const start = async (service: Service, copy: number, file: string): Promise<void> => {
      const child = await run([join(root, 'cli/main.ts'), 'serve', service, '--config', file]);
      children.set(`${service}-${copy}`, child);
    };
    // Verifiers ask the issuer when they are first called, not at their start.
    // All of them have started, or not, before what has is ended.
    const started = await Promise.allSettled([
      ...files.flatMap((file, copy) =>
        (['auth', 'token', 'config'] as const).map((service) => start(service, copy, file)),
      ),
      ...files.map(async (_, copy) => start('edge', copy, await writeEdgeFile(copy, identity))),
      ...(Object.keys(PORTS) as Service[]).map(async (service) => {
        const targets = files.map((_, copy) => at(service, copy));
        const args = [join(root, 'lab/balancer.ts'), host, String(PORTS[service]), ...targets];
        children.set(`${service}-balancer`, await run(args));
      }),
    ]);
    for (const each of started) if (each.status === 'rejected') throw each.reason;
    return {
      nats,
      identity,
      admin: new IdentityAdmin(identity.records),
      url,
      kill: (service, copy) => end(children.get(`${service}-${copy}`) as ChildProcess),
      accessToken: (key) => accessToken(url('auth'), identity.settings.projectId, key),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }

  async function writeServicesFile(copy: number): Promise<string> {
    const file = join(folder, `services-${copy}.toml`);
    const installationKey = join(folder, 'installation.key');
    const revisionKey = join(folder, 'revision.json');
    if (copy === 0) {
      await ensureInstallationKey(installationKey);
      await writeFile(revisionKey, JSON.stringify(await generateRevisionKey()), { mode: 0o600 });
    }
    const values = {
      nats: { servers: [server.url] },
      installation_key: installationKey,
      identity: { issuer: url('auth') },
      auth: { listen: at('auth', copy) },
      token: { listen: at('token', copy), issuer: url('token') },
      config: { listen: at('config', copy), admin: `${host}:${9600 + copy}`, revision_key: revisionKey },
    };
    await writeFile(file, stringify(values));
    return file;
  }

  async function writeEdgeFile(copy: number, { settings }: Identity): Promise<string> {
    const file = join(folder, `edge-${copy}.toml`);
    const identity = {
      issuer: url('auth'),
      project: settings.projectId,
      operator_organisation: settings.organisationId,
    };
    await writeFile(file, stringify({ listen: at('edge', copy), nats: { url: server.websocketUrl }, identity }));
    return file;
  }
};

const TRY_MS = 10_000;

/** Posts a form until it is answered with a token. @param makeForm is called for each try */
export const tokenFrom = async (url: string, makeForm: () => Promise<Record<string, string>>): Promise<string> => {
  const until = Date.now() + TRY_MS;
  for (;;) {
    const body = new URLSearchParams(await makeForm());
    const answer = await fetch(url, { method: 'POST', body }).then(
      async (response) => ({ status: response.status, text: await response.text() }),
      (error: unknown) => ({ status: 0, text: String(error) }),
    );
    if (answer.status === 200) return (JSON.parse(answer.text) as { access_token: string }).access_token;
    if ((answer.status !== 0 && answer.status !== 503) || Date.now() > until)
      throw new Error(`${url}: ${answer.status} ${answer.text}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const accessToken = async (issuer: string, project: string, key: ServiceAccountKey): Promise<string> => {
  const signer = await importPKCS8(key.key, 'RS256');
  return tokenFrom(`${issuer}/oauth/v2/token`, async () => ({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    scope: `openid urn:zitadel:iam:org:projects:roles urn:zitadel:iam:org:project:id:${project}:aud`,
    assertion: await new SignJWT({})
      .setProtectedHeader({ alg: 'RS256', kid: key.keyId })
      .setIssuer(key.userId)
      .setSubject(key.userId)
      .setAudience(issuer)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(signer),
  }));
};
