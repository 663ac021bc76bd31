import type { Server as HttpServer } from 'node:http';
import type { Server } from 'node:net';
import { NatsSource } from '#control/nats-source.ts';
import type { ControlSource, LocalOrder } from '#control/source.ts';
import { StaticSource, StaticSourceError } from '#control/static-source.ts';
import { ToolError } from '#host/command/run-tool.ts';
import { KernelRefusal } from '#host/netlink/kernel-refusal.ts';
import { yieldHelpers } from '#host/thread/helpers.ts';
import type { WireGuardKeys } from '#model/wireguard-keys.ts';
import { ConfigError } from '#settings/toml-file.ts';
import { fileFault } from '#telemetry/file-fault.ts';
import { isListenFault, listenFault } from '#telemetry/listen-fault.ts';
import { createLogger, type Logger, levelFrom } from '#telemetry/logger.ts';
import packageJson from '../package.json' with { type: 'json' };
import { serveAdminHttp } from './admin/http.ts';
import { AdminSocketError, serveAdminSocket } from './admin/socket.ts';
import { readBgpPasswords } from './anycast/bgp-settings.ts';
import { readBfdSessions } from './bfd-settings.ts';
import { bootEpochOrTime, nextBootEpoch } from './boot-epoch.ts';
import { readWorkerConfig, type WorkerConfig } from './config.ts';
import { defenceOf } from './dns/defence.ts';
import { type MeshSettings, readMesh, readMeshTls } from './mesh-settings.ts';
import { networkOf } from './network.ts';
import { withOwnNumber } from './own-number.ts';
import { PopWorker } from './pop-worker.ts';
import { StartError } from './start-error.ts';
import { readTlsFiles } from './tls-files.ts';
import { readWireGuardPeers } from './wireguard-peers-file.ts';
import { readWireGuard, readWireGuardKeys } from './wireguard-settings.ts';
import { WorkerRouting } from './worker-routing.ts';

/** Errors whose message is for people; others are bugs and keep their stack. */
const FOR_PEOPLE = [ConfigError, StartError, ToolError, KernelRefusal, StaticSourceError, AdminSocketError] as const;
/** What is still open after a stop must not keep the process. */
const LAST_MS = 1000;

const sourceOf = (config: WorkerConfig, wireguardKeys: WireGuardKeys | undefined, log: Logger): ControlSource => {
  const { pop, worker, state_directory: stateDirectory, control, static: files } = config;
  if (files !== undefined) {
    const { wireguard: peers, ...rest } = files;
    const wireguardPeers = peers === undefined ? undefined : () => readWireGuardPeers(peers);
    return new StaticSource({ ...rest, wireguardPeers, pop, worker });
  }
  if (control === undefined) throw new StartError('one of [control] and [static] must be there');
  const { servers, credentials, ca, revision_keys: revisionKeys } = control;
  return new NatsSource({
    pop,
    worker,
    stateDirectory,
    servers,
    revisionKeys,
    ...(credentials !== undefined && { credentials }),
    ...(ca !== undefined && { ca }),
    version: packageJson.version,
    followsFleet: config.dns !== undefined,
    wireguardKeys,
    onError: (error) => log.warn('control plane', { reason: error instanceof Error ? error.message : String(error) }),
  });
};

const adminError = (what: string, setting: string, error: unknown): Error => {
  if ((error as NodeJS.ErrnoException).code === undefined) return error as Error;
  return new StartError(
    isListenFault(error)
      ? listenFault(what, error, `[admin] ${setting}`)
      : `${what} cannot be made, ${fileFault(error)}: change [admin] ${setting}`,
  );
};

/** Opens both admin listeners. */
const serveAdmin = async ({ admin }: WorkerConfig, worker: PopWorker): Promise<[HttpServer, Server]> => {
  const http = await serveAdminHttp(admin.listen, worker).catch((error) => {
    throw adminError(admin.listen, 'listen', error);
  });
  const order = (local: Exclude<LocalOrder, 'undrain'>) => () => {
    const kept = worker.order(local);
    return { state: worker.state, orders: worker.orders, kept };
  };
  const commands = {
    status: async () => ({ version: packageJson.version, ...(await worker.status()) }),
    drain: order('drain'),
    undrain: order('serve'),
    withdraw: order('withdraw'),
    routes: () => worker.routes(),
    wireguard: () => worker.wireguardKeys(),
    'bgp-explain': async (request: Readonly<Record<string, unknown>>) => worker.anycast.explain(request),
    'bgp-routes': async (request: Readonly<Record<string, unknown>>) => worker.anycast.routes(request),
    'bgp-retry': async (request: Readonly<Record<string, unknown>>) => worker.anycast.retry(request),
    qlog: (request: Readonly<Record<string, unknown>>) => worker.qlog.order(request),
  };
  const socket = await serveAdminSocket(admin.socket, 'worker', commands).catch((error) => {
    http.close();
    throw adminError(admin.socket, 'socket', error);
  });
  return [http, socket];
};

/** Resolves to why the worker is to end. The second signal of a kind ends it at once. */
const onSignals = (reload: () => void): { readonly stop: Promise<string>; readonly now: AbortSignal } => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const now = new AbortController();
  let asked = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (asked) now.abort();
      asked = true;
      resolve(signal);
    });
  }
  process.on('SIGHUP', reload);
  return { stop: promise, now: now.signal };
};

const reloader = (worker: PopWorker, log: Logger) => () => {
  worker.reload().then(
    (files) => log.info('read again', { files }),
    (error: Error) => log.error('not read again; what was in force stays', { reason: error.message }),
  );
};

const bootEpochOf = ({ handoff, state_directory }: WorkerConfig, log: Logger): number => {
  // Keys of packets to other workers follow from it.
  if (handoff !== undefined) return nextBootEpoch(state_directory, Date.now());
  return bootEpochOrTime(state_directory, Date.now(), (reason) =>
    log.warn('starts are told apart by the clock', { reason }),
  );
};

const keysOfFile = ({ wireguard }: WorkerConfig): WireGuardKeys => {
  if (wireguard !== undefined) return readWireGuardKeys(wireguard);
  throw new StartError('the file of the worker has no [wireguard] any more: to do without it takes a restart');
};

/** Why a worker ends. */
type End = { readonly signal: string } | { readonly broken: string } | { readonly failed: unknown };

/** Starts a worker and keeps it until it is told to end or breaks. @returns the exit code */
const work = async (file: WorkerConfig, readAgain: () => WorkerConfig, log: Logger): Promise<number> => {
  yieldHelpers();
  const wireguard = file.wireguard && readWireGuard(file.wireguard);
  const source = sourceOf(file, wireguard, log);
  const readTls = () => readTlsFiles(file.tls, new Date());
  const tls = readTls();
  if (file.mesh !== undefined) readMesh(file.mesh, 0);
  const config = await withOwnNumber(file, source, log);
  const mesh = config.mesh?.member === undefined ? undefined : readMesh(config.mesh, config.mesh.member);
  const bfdSessions = config.bfd === undefined ? [] : readBfdSessions(config.bfd);
  const bgpPasswords = config.bgp === undefined ? new Map() : readBgpPasswords(config.bgp);
  const dnsDefence = config.dns && defenceOf(config.dns, '/');
  const bootEpoch = bootEpochOf(config, log);
  const network = networkOf(config);
  network.forward();
  const broken = Promise.withResolvers<string>();
  const routing = config.routing && new WorkerRouting(config.routing, log);
  const worker = new PopWorker({
    config,
    tls,
    readTls,
    bootEpoch,
    network,
    source,
    mesh,
    readMeshTls: config.mesh && (() => readMeshTls(config.mesh as MeshSettings)),
    isNumbered: file.mesh?.member !== undefined,
    ...(routing && { routing }),
    bfdSessions,
    bgpPasswords,
    dnsDefence,
    wireguard,
    readWireGuardKeys: () => keysOfFile(readAgain()),
    log,
    broken: broken.resolve,
  });
  const { stop, now } = onSignals(reloader(worker, log));
  const servers: (HttpServer | Server)[] = [];
  // A control plane may be waited for as long as it takes: signals are heard meanwhile.
  const failed = bringUp(config, worker, servers, log).then(
    () => new Promise<End>(() => {}),
    (error: unknown): End => ({ failed: error }),
  );
  const stopped = stop.then((signal): End => ({ signal }));
  const end = await Promise.race([stopped, broken.promise.then((reason): End => ({ broken: reason })), failed]);
  const graceful = 'signal' in end;
  if (graceful) log.info('stopping', end);
  else if ('broken' in end) log.error('a thread is gone; the worker ends', { reason: end.broken });
  else tell(log, end.failed);
  await ending(worker, graceful ? config.drain_seconds * 1000 : 0, now);
  for (const server of servers) server.close();
  log.info('stopped');
  return graceful ? 0 : 1;
};

/** Everything from sockets to desired state. @param servers gets what is to be closed at the end */
const bringUp = async (
  config: WorkerConfig,
  worker: PopWorker,
  servers: (HttpServer | Server)[],
  log: Logger,
): Promise<void> => {
  await worker.open();
  servers.push(...(await serveAdmin(config, worker)));
  await worker.serve();
  const { addresses, port } = config.listen;
  if (!config.tun.enabled) log.warn('there is no TUN: CONNECT-IP is refused');
  log.info('serving', { addresses, port, admin: config.admin });
  process.send?.({ ready: true });
};

const ending = async (worker: PopWorker, graceMs: number, now: AbortSignal): Promise<void> => {
  const done = worker.stop(graceMs);
  const hurried = new Promise<void>((resolve) => now.addEventListener('abort', () => resolve()));
  await Promise.race([done, hurried]);
  if (now.aborted) await worker.stop(0);
};

const tell = (log: Logger, error: unknown): void => {
  if (FOR_PEOPLE.some((kind) => error instanceof kind)) log.error((error as Error).message);
  else log.error('the worker breaks off', { error });
};

/**
 * Runs a worker by its configuration file.
 *
 * @param congestionControl instead of the file's
 * @returns the exit code; the process ends shortly after, whatever is open
 */
export const runWorker = async (file: string, congestionControl?: string): Promise<number> => {
  const log = createLogger({
    level: levelFrom(process.env['CBR_LOG']),
    write: (line) => void process.stderr.write(line),
    now: () => new Date(),
  });
  let exitCode = 1;
  try {
    const config = readWorkerConfig(file, '--config');
    if (congestionControl !== undefined) config.listen.congestion_control = congestionControl;
    exitCode = await work(config, () => readWorkerConfig(file), log.with({ pop: config.pop, worker: config.worker }));
  } catch (error) {
    tell(log, error);
  }
  setTimeout(() => process.exit(exitCode), LAST_MS).unref();
  return exitCode;
};
