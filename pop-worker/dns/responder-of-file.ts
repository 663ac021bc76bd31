import { dirname, resolve } from 'node:path';
import type { DnsFile } from '#settings/dns-file.ts';
import { splitHostPort } from '#settings/fields.ts';
import { exposition } from '#telemetry/exposition.ts';
import type { Logger } from '#telemetry/logger.ts';
import { LAYOUT } from '#telemetry/slots.ts';
import { StartError } from '../start-error.ts';
import { checkConfig, configOf } from './config.ts';
import { defenceOf } from './defence.ts';
import { descriptionsOf } from './descriptions.ts';
import { DnsThread } from './dns-thread.ts';
import { PopProbes } from './probes.ts';

const SERIES = LAYOUT.series.filter(({ spec }) => spec.name.startsWith('cloudbridge_dns_'));

/** What `cloudbridge dns status` shows. */
export interface DnsStatus {
  readonly listen: readonly string[];
  readonly zones: readonly { readonly domain: string; readonly services: readonly string[] }[];
  readonly pops: readonly { readonly id: string; readonly addresses: readonly string[]; readonly isWell: boolean }[];
}

/** A responder that is as a configuration file has it. */
export class FileResponder {
  readonly #log: Logger;
  readonly #path: string;
  readonly #thread: DnsThread;
  readonly #probes: PopProbes | undefined;
  #file: DnsFile;
  #ports: readonly number[] = [];

  /** @param gone is told why, should its thread end by itself @throws ConfigError */
  constructor(file: DnsFile, path: string, log: Logger, gone: (reason: string) => void) {
    const { health } = file;
    checkConfig(file, configOf(file, Date.now()), path);
    this.#log = log;
    this.#path = path;
    this.#file = file;
    const listen = file.listen.map((text) => {
      const { host, port } = splitHostPort(text);
      return { address: host, port };
    });
    this.#thread = new DnsThread(listen, defenceOf(file, dirname(resolve(path))), {
      gone,
      fault: (error) => log.error('a bug of CloudBridge was met: please report it', { ended: 'a DNS query', error }),
      refused: (domain, reason) => log.error('a zone is left out', { domain, reason }),
    });
    this.#probes =
      health &&
      new PopProbes({ port: health.port, intervalMs: health.interval_ms, fails: health.fails }, () =>
        this.#tellHealth(),
      );
    this.#tell();
  }

  readonly state = 'ready';

  /** When it answers. @throws StartError */
  async ready(): Promise<void> {
    try {
      this.#ports = await this.#thread.ready;
    } catch (error) {
      throw new StartError(
        `${(error as Error).message}: change listen (${this.#file.listen.join(', ')}), or end who has it`,
      );
    }
  }

  isHealthy(): boolean {
    return this.#thread.isAlive();
  }

  /** Prometheus text. */
  async metrics(): Promise<string> {
    return exposition([this.#thread.slots], SERIES);
  }

  status(): DnsStatus {
    const { listen, zone, pops } = this.#file;
    return {
      listen: listen.map((text, i) => {
        const { host } = splitHostPort(text);
        return `${host.includes(':') ? `[${host}]` : host}:${this.#ports[i]}`;
      }),
      zones: zone.map(({ domain, services }) => ({ domain, services })),
      pops: Object.entries(pops).map(([id, { addresses }]) => ({ id, addresses, isWell: this.#isWell(id) })),
    };
  }

  /** Becomes as another file has it, but for where it listens. @throws ConfigError, and nothing has changed */
  change(file: DnsFile): void {
    checkConfig(file, configOf(file, Date.now()), this.#path);
    if (file.listen.join() !== this.#file.listen.join()) this.#log.warn('listen is another: it takes a restart');
    this.#file = { ...file, listen: this.#file.listen };
    this.#tell();
  }

  async stop(): Promise<void> {
    this.#probes?.close();
    await this.#thread.stop();
  }

  #isWell(pop: string): boolean {
    return this.#file.pops[pop]?.down !== true && this.#probes?.isWell(pop) !== false;
  }

  #tell(): void {
    const config = configOf(this.#file, Date.now());
    this.#probes?.setPops(config.pops);
    this.#thread.post({ type: 'zones', zones: descriptionsOf(config, { pop: this.#file.pop, rttMs: new Map() }) });
    this.#tellHealth();
  }

  #tellHealth(): void {
    const unwell = Object.keys(this.#file.pops).filter((pop) => !this.#isWell(pop));
    this.#log.info('PoPs that nobody is led to', { pops: unwell });
    this.#thread.post({ type: 'unwell', pops: unwell });
  }
}
