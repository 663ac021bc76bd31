import { isDeepStrictEqual } from 'node:util';
import type { FleetView } from '#control/fleet.ts';
import { type DnsConfig, NO_DNS } from '#model/dns.ts';
import { descriptionsOf } from '#pop-worker/dns/descriptions.ts';
import { DnsThread } from '#pop-worker/dns/dns-thread.ts';
import { type MeshMember, roundTrips, unwellPops } from '#pop-worker/dns/health.ts';
import type { DnsDefence } from '#pop-worker/dns/setup.ts';
import { splitHostPort } from '#settings/fields.ts';
import type { Logger } from '#telemetry/logger.ts';
import type { DnsSettings } from './dns-settings.ts';
import { StartError } from './start-error.ts';

interface WorkerDnsParts {
  readonly settings: DnsSettings;
  readonly defence: DnsDefence;
  readonly pop: string;
  readonly worker: string;
  /** Whether this worker serves who comes. */
  readonly serves: () => boolean;
  readonly fleet: () => FleetView;
  /** Other workers as the mesh has them. */
  readonly members: () => Promise<readonly MeshMember[]>;
  readonly log: Logger;
  readonly broken: (reason: string) => void;
}

/** What `cloudbridge worker status` shows of it. */
export interface WorkerDnsStatus {
  readonly zones: readonly string[];
  readonly pops: readonly { readonly id: string; readonly isWell: boolean }[];
}

/** The mesh takes a worker for dead within a third of a second; this is added to it. */
const LOOK_MS = 200;
/** Round trips that differ less are the same ones. */
const RTT_STEP_MS = 5;

/** The DNS of a worker: its thread, which PoPs are well, and in which order they are near. */
export class WorkerDns {
  readonly #parts: WorkerDnsParts;
  readonly #thread: DnsThread;
  #config: DnsConfig = NO_DNS;
  #members: readonly MeshMember[] = [];
  #unwell: readonly string[] = [];
  #rttMs: ReadonlyMap<string, number> = new Map();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  constructor(parts: WorkerDnsParts) {
    const { settings, defence, log, broken } = parts;
    this.#parts = parts;
    const listen = settings.listen.map((text) => {
      const { host, port } = splitHostPort(text);
      return { address: host, port };
    });
    this.#thread = new DnsThread(listen, defence, {
      gone: broken,
      fault: (error) => log.error('a bug of CloudBridge was met: please report it', { ended: 'a DNS query', error }),
      refused: (domain, reason) => log.error('a DNS zone is left out', { domain, reason }),
    });
  }

  /** When it answers. @throws StartError */
  async ready(): Promise<void> {
    try {
      await this.#thread.ready;
    } catch (error) {
      const { listen } = this.#parts.settings;
      throw new StartError(
        `${(error as Error).message}: change [dns] listen (${listen.join(', ')}), or end who has it`,
      );
    }
    await this.#look();
  }

  get slots(): Float64Array {
    return this.#thread.slots;
  }

  isAlive(): boolean {
    return this.#thread.isAlive();
  }

  status(): WorkerDnsStatus {
    return {
      zones: this.#config.zones.map(({ domain }) => domain),
      pops: this.#config.pops.map(({ id }) => ({ id, isWell: !this.#unwell.includes(id) })),
    };
  }

  /** What names lead to, from now on. */
  set(config: DnsConfig): void {
    this.#config = config;
    this.#judge();
    this.#tellZones();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#thread.stop();
  }

  async #look(): Promise<void> {
    this.#members = await this.#parts.members();
    if (this.#isStopped) return;
    this.#judge();
    const rttMs = this.#rounded();
    if (!isDeepStrictEqual(rttMs, this.#rttMs)) {
      this.#rttMs = rttMs;
      this.#tellZones();
    }
    this.#timer = setTimeout(() => void this.#look(), LOOK_MS);
  }

  /** In steps, so that noise moves nobody. */
  #rounded(): ReadonlyMap<string, number> {
    const trips = roundTrips(this.#members, this.#ids());
    return new Map([...trips].map(([pop, ms]) => [pop, Math.round(ms / RTT_STEP_MS) * RTT_STEP_MS]));
  }

  #ids(): string[] {
    return this.#config.pops.map(({ id }) => id);
  }

  #judge(): void {
    const { pop, worker, serves, fleet, log } = this.#parts;
    const own = { pop, worker, serves: serves() };
    const unwell = unwellPops({ pops: this.#ids(), own, fleet: fleet(), members: this.#members });
    if (isDeepStrictEqual(unwell, this.#unwell)) return;
    this.#unwell = unwell;
    log.info('PoPs that names do not lead to', { pops: unwell });
    this.#thread.post({ type: 'unwell', pops: unwell });
  }

  #tellZones(): void {
    const zones = descriptionsOf(this.#config, { pop: this.#parts.pop, rttMs: this.#rttMs });
    this.#thread.post({ type: 'zones', zones });
  }
}
