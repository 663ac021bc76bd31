import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect } from '@nats-io/transport-node';
import type { TlsIdentity } from '#host/tls/context.ts';
import { Bucket } from '#model/names.ts';
import { root } from '#scripts/setup/paths.mjs';
import { type Listener, listen } from '#services/api/node.ts';
import { createTestIssuer, type TestIssuer } from '#services/auth/testing/installation.ts';
import { builtInClient } from '#services/authn/built-in-client.ts';
import { createVerifier } from '#services/authn/verifier.ts';
import { createConfigApp } from '#services/config/app.ts';
import { startBackground } from '#services/config/background.ts';
import { ensureSigningKeys, POP_KEYS } from '#services/store/signing-keys.ts';
import { Store } from '#services/store/store.ts';
import { type Balancer, startBalancer } from '#services/store/testing/balancer.ts';
import { serveToken } from '#services/token/node.ts';
import { runCommandLine } from '../run.ts';

/** How a command ended. */
export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface World {
  readonly issuer: TestIssuer;
  /** URLs of the API and of the token service. */
  readonly api: string;
  readonly tokenService: string;
  /** `CBR_CONFIG` of the commands that are run. */
  readonly home: string;
  /** What the services reported as their own fault. */
  readonly reports: unknown[];
  /** What a worker verifies the devices' tokens with. */
  popKeys(): Promise<string>;
  /** Serves the API once more. */
  listen(where: Parameters<typeof listen>[1]): Promise<Listener>;
  /** Serves it with this certificate. @returns the port */
  listenTls(identity: TlsIdentity): Promise<number>;
  /** Creates a service account. @returns its key file */
  account(userName: string, ...roles: string[]): Promise<{ readonly id: string; readonly keyFile: string }>;
  /** Runs a command to its end, in this process: one after the other. */
  run(...args: string[]): Promise<Ran>;
  /** The same with more environment. */
  runWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ran>;
  /** Starts one in a process of its own. */
  start(env: Readonly<Record<string, string>>, ...args: string[]): ChildProcessWithoutNullStreams;
  close(): Promise<void>;
}

/** How a command that is under way ends. */
export const ended = async (child: ChildProcessWithoutNullStreams): Promise<Ran> => {
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, ...texts };
};

/** The identity provider, the API and the token service on one real NATS server, and the command line as a user has it. */
export const createWorld = async (): Promise<World> => {
  const [issuer, balancer]: [TestIssuer, Balancer] = await Promise.all([createTestIssuer(), startBalancer()]);
  await issuer.startCopy();
  const { projectId: project, organisationId: operatorOrganisation } = issuer.identity.settings;
  const introspection = await builtInClient(issuer.sealer);
  const verify = createVerifier({ issuer: issuer.url, project, operatorOrganisation, introspection });
  const nats = await connect({ servers: issuer.server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  const reports: unknown[] = [];
  const report = (error: unknown): void => void reports.push(error);
  await ensureSigningKeys(await Store.open(nats, Bucket.config), POP_KEYS, issuer.sealer);
  const local = { host: '127.0.0.1', port: 0 };
  const authorization = { issuer: issuer.url, project, tokenService: balancer.url };
  const tokens = await serveToken(
    {
      nats,
      sealer: issuer.sealer,
      verify,
      authorization: { ...authorization, url: balancer.url },
      issuer: balancer.url,
      report,
    },
    local,
  );
  balancer.add(tokens.port);
  const app = await createConfigApp({ nats, verify, authorization, report });
  const background = startBackground(nats, app, () => undefined);
  const listeners: Listener[] = [tokens];
  const listenOnce = async (where: Parameters<typeof listen>[1]): Promise<Listener> => {
    const listener = await listen(app, where);
    listeners.push(listener);
    return listener;
  };
  const api = `http://127.0.0.1:${(await listenOnce(local)).port}`;
  const home = mkdtempSync(path.join(tmpdir(), 'cloudbridge-cli-'));
  const start: World['start'] = (env, ...args) => {
    const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CBR_')));
    const child = spawn(process.execPath, [path.join(root, 'cli/main.ts'), ...args], {
      env: { ...own, NO_COLOR: '1', CBR_CONFIG: path.join(home, 'config'), ...env },
    });
    child.stdin.end();
    return child;
  };
  const runHere = async (env: Readonly<Record<string, string>>, args: readonly string[]): Promise<Ran> => {
    const before = { ...process.env };
    for (const name of Object.keys(process.env)) if (name.startsWith('CBR_')) delete process.env[name];
    Object.assign(process.env, { CBR_CONFIG: path.join(home, 'config') }, env);
    const texts = { stdout: '', stderr: '' };
    const sink = (name: keyof typeof texts) => ({
      write: (text: string) => {
        texts[name] += text;
      },
    });
    try {
      const status = await runCommandLine(args, { stdout: sink('stdout'), stderr: sink('stderr') });
      return { status, ...texts };
    } finally {
      for (const name of Object.keys(process.env)) delete process.env[name];
      Object.assign(process.env, before);
    }
  };
  return {
    issuer,
    api,
    tokenService: balancer.url,
    home,
    reports,
    popKeys: async () => (await fetch(`${balancer.url}/.well-known/jwks.json`)).text(),
    listen: listenOnce,
    listenTls: async ({ certificateChain, privateKey }) => {
      const tls = { cert: String(certificateChain), key: String(privateKey) };
      return (await listenOnce({ ...local, tls })).port;
    },
    account: async (userName, ...roles) => {
      const organisation = operatorOrganisation;
      const { account, key } = await issuer.admin.createServiceAccount({
        userName,
        displayName: userName,
        organisation,
        roles,
      });
      const keyFile = path.join(home, `${userName}.json`);
      writeFileSync(keyFile, JSON.stringify(key), { mode: 0o600 });
      return { id: account.id, keyFile };
    },
    run: (...args) => runHere({}, args),
    runWith: (env, ...args) => runHere(env, args),
    start,
    close: async () => {
      await Promise.all(listeners.map((listener) => listener.close(0)));
      await background.close();
      await balancer.close();
      await nats.close();
      await issuer.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
};
