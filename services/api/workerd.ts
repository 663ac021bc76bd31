import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';

export interface WorkerdOptions {
  /** Absolute path of the module whose default export answers. */
  readonly main: string;
  readonly compatibilityDate: string;
  /** Classes of Durable Objects by the names of their bindings. */
  readonly durableObjects?: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
  /** Reach it by its environment and are in no file. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Port 0: any free one. TLS: PEM. */
  readonly listen: {
    readonly host: string;
    readonly port: number;
    readonly tls?: { readonly key: string; readonly cert: string };
  };
  /** Where the entrypoint `admin` of the module answers. */
  readonly admin?: { readonly host: string; readonly port: number } | undefined;
  /** CA certificates that it trusts beside those that browsers trust; PEM, any number in a text. */
  readonly trusted?: readonly string[];
  /** Is told each line that the Worker writes. */
  readonly log: (line: string) => void;
}

export interface Workerd {
  readonly port: number;
  /** 0: there is none. */
  readonly adminPort: number;
  /** Resolves to how it ended, for people. */
  readonly ended: Promise<string>;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

const SOCKET = 'main';
const ADMIN = 'admin';
const BUNDLE = 'worker.js';
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Cap'n Proto's text form has the escapes of C, which JSON's are but for `\u`: no text here has what needs that. */
const quote = (text: string): string => JSON.stringify(text);

const binary = (createRequire(import.meta.url)('workerd') as { readonly default: string }).default;

/** One module of all that the Worker imports, with the conditions that `wrangler` resolves packages by. */
const bundle = async (main: string, file: string): Promise<void> => {
  await build({
    entryPoints: [main],
    outfile: file,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    logLevel: 'silent',
  });
};

const tlsOptions = (entries: readonly string[]): string => `tlsOptions = (${entries.join(', ')})`;

const addressOf = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  `address = ${quote(`${host.includes(':') ? `[${host}]` : host}:${port}`)}`;

const configOf = (options: WorkerdOptions): string => {
  const { durableObjects = {}, variables, secrets = {}, listen, admin, trusted = [], compatibilityDate } = options;
  const { tls } = listen;
  const certificates = trusted.flatMap((text) => text.match(CERTIFICATE) ?? []).map(quote);
  const internet = tlsOptions(['trustBrowserCas = true', `trustedCertificates = [${certificates.join(', ')}]`]);
  const keypair = tls && `keypair = (privateKey = ${quote(tls.key)}, certificateChain = ${quote(tls.cert)})`;
  const protocol = keypair === undefined ? 'http = ()' : `https = (options = (), ${tlsOptions([keypair])})`;
  const sockets = [
    `(name = "${SOCKET}", ${addressOf(listen)}, ${protocol}, service = "main")`,
    ...(admin
      ? [`(name = "${ADMIN}", ${addressOf(admin)}, http = (), service = (name = "main", entrypoint = "admin"))`]
      : []),
  ];
  const classes = Object.values(durableObjects).map(
    // It stays when it is idle: it is what holds connections.
    (name) => `(className = ${quote(name)}, uniqueKey = ${quote(name)}, preventEviction = true)`,
  );
  const bindings = [
    ...Object.entries(durableObjects).map(
      ([name, className]) => `(name = ${quote(name)}, durableObjectNamespace = ${quote(className)})`,
    ),
    ...Object.entries(variables).map(([name, text]) => `(name = ${quote(name)}, text = ${quote(text)})`),
    ...Object.keys(secrets).map((name) => `(name = ${quote(name)}, fromEnvironment = ${quote(name)})`),
  ];
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private", "local"], ${internet})),
  ],
  sockets = [${sockets.join(', ')}],
);
const worker :Workerd.Worker = (
  modules = [(name = "${BUNDLE}", esModule = embed "${BUNDLE}")],
  compatibilityDate = ${quote(compatibilityDate)},
  durableObjectNamespaces = [${classes.join(', ')}],
  durableObjectStorage = (inMemory = void),
  bindings = [${bindings.join(', ')}],
);
`;
};

/** workerd says on its control descriptor where it listens, one JSON object a line. */
const listening = (child: ChildProcess, count: number): Promise<ReadonlyMap<string, number>> =>
  new Promise((resolve) => {
    const ports = new Map<string, number>();
    createInterface({ input: child.stdio[3] as NodeJS.ReadableStream }).on('line', (line) => {
      const { event, socket, port } = JSON.parse(line) as { event: string; socket?: string; port?: number };
      if (event === 'listen' && socket !== undefined && port !== undefined) ports.set(socket, port);
      if (ports.size === count) resolve(ports);
    });
  });

/** It says so in words of its own only: what keeps it from listening keeps us from it too. */
const requireFree = async ({ host, port }: { readonly host: string; readonly port: number }): Promise<void> => {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => server.close(() => resolve()));
  });
};

/**
 * Runs a Worker on this machine as a process of its own. Resolves once it listens.
 *
 * @throws when it ends before: the system's error where nothing can listen there
 */
export const startWorkerd = async (options: WorkerdOptions): Promise<Workerd> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'cloudbridge-workerd-'));
  try {
    await bundle(options.main, path.join(folder, BUNDLE));
    const config = path.join(folder, 'workerd.capnp');
    await writeFile(config, configOf(options), { mode: 0o600 });
    // Whatever ends this process, workerd ends with it (PR_SET_PDEATHSIG).
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', binary, 'serve', '--control-fd=3', config], {
      env: { ...process.env, ...options.secrets },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    const early: string[] = [];
    let log = (line: string): void => void early.push(line);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => log(line));
    }
    const logAll = (): void => {
      log = options.log;
      early.splice(0).forEach(log);
    };
    const ended = new Promise<string>((resolve) => {
      child.once('error', ({ message }) => resolve(`could not be run by setpriv (util-linux): ${message}`));
      child.once('exit', (code, signal) => resolve(signal === null ? `ended with ${code}` : `was ended by ${signal}`));
    });
    const failed = ended.then(async (how) => {
      await requireFree(options.listen);
      if (options.admin) await requireFree(options.admin);
      logAll();
      throw new Error(`workerd ${how} before it listened`);
    });
    failed.catch(() => {});
    const ports = await Promise.race([listening(child, options.admin ? 2 : 1), failed]);
    logAll();
    const [port = 0, adminPort = 0] = [SOCKET, ADMIN].map((name) => ports.get(name));
    return { port, adminPort, ended, kill: (signal) => void child.kill(signal) };
  } finally {
    // It has read them.
    await rm(folder, { recursive: true, force: true });
  }
};
