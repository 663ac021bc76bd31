import type { Command } from '#dataplane/commands.ts';
import type { CidKey } from '#dataplane/exchange/cids.ts';
import type { ExchangeMemory } from '#dataplane/exchange/exchange.ts';
import type { FenceMemory } from '#dataplane/fence.ts';
import { allocateHeard } from '#dataplane/handoff/heard.ts';
import type { HandoffPeer, HandoffSetup } from '#dataplane/handoff/setup.ts';
import type { WireGuardSetup } from '#dataplane/wireguard/setup.ts';
import { allocateTurn } from '#host/thread/turn.ts';
import type { MeshPeer } from '#pop-worker/mesh/setup.ts';
import { checkRotation } from './cid-keys.ts';
import type { WorkerConfig } from './config.ts';
import { DataThread, type ThreadEvents } from './data-thread.ts';
import { handoffSetupOf, meshHandoffPeer } from './handoff-files.ts';
import type { MeshConfig } from './mesh-settings.ts';
import { natSetupOf } from './nat-settings.ts';
import { probeRoutes } from './probe-routes.ts';
import { sharedByThreads } from './shared-by-threads.ts';
import type { TlsFiles } from './tls-files.ts';

interface DataPlaneParts {
  readonly config: WorkerConfig;
  readonly tls: TlsFiles;
  readonly bootEpoch: number;
  readonly mesh: MeshConfig | undefined;
  readonly wireguard: WireGuardSetup | undefined;
}

/** What all threads have together. */
interface Collected {
  readonly sessions: number;
  readonly connections: number;
  /** Whether each of them has answered. */
  readonly all: boolean;
}

/** The data-plane threads of a worker: begun alike, told alike, and the keys that they share. */
export class DataPlane {
  readonly threads: readonly DataThread[];
  /** Undefined where there is one thread, and no mesh. */
  readonly exchange: ExchangeMemory | undefined;
  /** Undefined without a mesh. */
  readonly fence: FenceMemory | undefined;
  /** Undefined: what belongs to other workers is not handed to them. */
  readonly handoff: HandoffSetup | undefined;
  readonly #parts: DataPlaneParts;
  /** What its threads share where the configuration names none. */
  readonly #ticketKeys: readonly Uint8Array[];
  #cidKeys: readonly CidKey[];

  constructor(parts: DataPlaneParts, events: ThreadEvents) {
    this.#parts = parts;
    const { config, tls, bootEpoch, mesh } = parts;
    const { proxy, listen, worker } = config;
    const { resetKey } = tls;
    const shared = sharedByThreads(config, tls, bootEpoch);
    this.exchange = shared.exchange;
    this.fence = shared.fence;
    this.#ticketKeys = shared.tls.ticketKeys;
    this.#cidKeys = shared.cids.keys;
    const heard = mesh && allocateHeard();
    this.handoff = config.handoff &&
      resetKey && { ...handoffSetupOf(config.handoff, resetKey, bootEpoch, mesh?.peers), heard };
    const { handoff } = this;
    const tun = { ...config.tun, probes: config.tun.enabled ? probeRoutes(config) : [] };
    const common = {
      ...{ worker, threads: listen.threads, tcp: listen.tcp, tun, proxy },
      congestionControl: listen.congestion_control,
      handshakeThreads: listen.handshake_threads,
      listen: listen.addresses.map((address) => ({ address, port: listen.port })),
      nat: config.nat44 && tun.enabled ? natSetupOf(config.nat44, mesh !== undefined) : undefined,
      wireguard: parts.wireguard && { ...parts.wireguard, turn: listen.threads > 1 ? allocateTurn() : undefined },
    };
    this.threads = Array.from({ length: listen.threads }, (_, index) => {
      const own = handoff && { ...handoff, port: handoff.port + index };
      return new DataThread({ ...common, ...shared, index, handoff: own }, events);
    });
  }

  /** How a worker of the mesh is handed to; only where there is `handoff`. */
  handoffPeer(peer: MeshPeer): HandoffPeer {
    const { config, tls } = this.#parts;
    return meshHandoffPeer(config.handoff as NonNullable<typeof config.handoff>, tls.resetKey as Uint8Array, peer);
  }

  /** To all threads. */
  post(command: Command): void {
    for (const thread of this.threads) thread.post(command);
  }

  get beats(): readonly SharedArrayBuffer[] {
    return this.threads.map(({ beat }) => beat);
  }

  /** Has one of them try the way through the kernel: each in turn. */
  probe(nonce: number, versions: readonly (4 | 6)[]): void {
    this.threads[nonce % this.threads.length]?.post({ type: 'probe', nonce, versions });
  }

  isAlive(): boolean {
    return this.threads.every((thread) => thread.isAlive());
  }

  /** What was read anew counts from now on. @throws StartError for keys that cannot follow those before: nothing has changed then */
  renew({ certificate, key, ticketKeys, cidKeys }: TlsFiles): void {
    if (cidKeys !== undefined) {
      checkRotation(this.#cidKeys, cidKeys);
      this.#cidKeys = cidKeys;
      this.post({ type: 'cid-keys', keys: cidKeys });
    }
    const tickets = ticketKeys.length > 0 ? ticketKeys : this.#ticketKeys;
    this.post({ type: 'tls', tls: { certificate, key, ticketKeys: tickets } });
  }

  async collected(): Promise<Collected> {
    const collected = await Promise.all(this.threads.map((thread) => thread.collect()));
    const sum = (key: 'sessions' | 'connections') => collected.reduce((total, one) => total + (one?.[key] ?? 0), 0);
    return {
      sessions: sum('sessions'),
      connections: sum('connections'),
      all: collected.every((one) => one !== undefined),
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.stop()));
  }
}
