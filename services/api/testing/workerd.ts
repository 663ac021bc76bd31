import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const bin = (name: string): string => path.resolve(import.meta.dirname, '../../../node_modules/.bin', name);

export interface RunningWorker {
  readonly url: string;
  /** What it wrote to its log so far. */
  log(): string;
  close(): Promise<void>;
}

const run = (command: string, args: readonly string[], cwd: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const env = { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' };
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(output))));
  });

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

/** Bundles a Worker as a deployment does and runs it in workerd. @param main absolute path of its module */
export const runInWorkerd = async (
  main: string,
  vars: Readonly<{ [name: string]: string }>,
): Promise<RunningWorker> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'cloudbridge-workerd-'));
  const flags = { compatibility_date: '2026-11-01', compatibility_flags: ['nodejs_compat'] };
  await writeFile(
    path.join(folder, 'wrangler.json'),
    JSON.stringify({ name: 'worker', main, send_metrics: false, ...flags }),
  );
  await run(bin('wrangler'), ['deploy', '--dry-run', '--outdir', 'out', '-c', 'wrangler.json'], folder);
  const port = await freePort();
  const bindings = Object.entries(vars).map(
    ([name, text]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(text)})`,
  );
  const bundle = `out/${path.basename(main, '.ts')}.js`;
  await writeFile(
    path.join(folder, 'workerd.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker), (name = "internet", network = (allow = ["public", "private", "local"]))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "index.js", esModule = embed ${JSON.stringify(bundle)})],
  compatibilityDate = "2026-11-01", compatibilityFlags = ["nodejs_compat"], bindings = [${bindings.join(', ')}],
);
`,
  );
  const child = spawn(bin('workerd'), ['serve', 'workerd.capnp'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      log += String(chunk);
      process.stderr.write(chunk);
    });
  const url = `http://127.0.0.1:${port}`;
  const end = Date.now() + 30_000;
  for (;;) {
    const up = await fetch(url).then(
      () => true,
      () => false,
    );
    if (up) break;
    if (Date.now() > end || child.exitCode !== null) throw new Error('workerd did not start');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url,
    log: () => log,
    close: async () => {
      const closed = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      await closed;
      await rm(folder, { recursive: true, force: true });
    },
  };
};
