import { randomInt } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { OriginValidator } from '#protocol/bgp/policy/route.ts';
import { RouteValidity, type VrpTable } from '#protocol/rpki/vrp-table.ts';
import { Cache } from './cache.ts';
import { RpkiMetrics } from './rpki-metrics.ts';
import type { RtrCacheConfig, RtrCacheStatus } from './setup.ts';

/** Routes are looked at anew so much after what is known has become another: caches change one after the other. */
const SETTLE_MS = 200;

/** What is told of caches. */
export interface CachesListener {
  /** Routes are to be looked at again. */
  changed(): void;
  /** A connection with a cache has ended, or could not be used. @param text for a log */
  failed(name: string, text: string): void;
}

/**
 * RPKI caches by preference (RFC 8210 §10). Those of the lowest number are asked; the next ones too while none of those is
 * in step. Routes are judged by all caches that are in step together, or, where none is, by what is not too old yet.
 * Without any, nothing is known of any route.
 */
export class RpkiCaches implements OriginValidator {
  readonly #key = { k0: randomInt(2 ** 32), k1: randomInt(2 ** 32) };
  readonly #listener: CachesListener;
  readonly #metrics: RpkiMetrics;
  #caches: readonly Cache[] = [];
  /** Of the caches that are used. */
  #tables: readonly VrpTable[] = [];
  /** Which those are, and how often each has changed: a table changes in place. */
  #stamp = '';
  #isChoosing = false;
  #settling: NodeJS.Timeout | undefined;

  /** @param slots one block of `telemetry/slots.ts` */
  constructor(slots: Float64Array, listener: CachesListener) {
    this.#listener = listener;
    this.#metrics = new RpkiMetrics(slots);
  }

  /** Whether there is a cache at all. */
  get isWanted(): boolean {
    return this.#caches.length > 0;
  }

  /** Takes these in place of those that there were; one that is the same goes on. */
  set(configs: readonly RtrCacheConfig[]): void {
    const before = this.#caches;
    const now = configs.map(
      (config) => before.find((one) => isDeepStrictEqual(one.config, config)) ?? this.#new(config),
    );
    for (const cache of before) if (!now.includes(cache)) cache.stop();
    this.#caches = now.toSorted((a, b) => a.config.preference - b.config.preference);
    this.#choose();
  }

  state(bits: 32 | 128, address: Uint32Array, length: number, originAs: number): RouteValidity {
    let state: RouteValidity = RouteValidity.notFound;
    for (const table of this.#tables) {
      const one = table.state(bits, address, length, originAs);
      if (one === RouteValidity.valid) return one;
      if (one === RouteValidity.invalid) state = one;
    }
    return state;
  }

  status(): RtrCacheStatus[] {
    return this.#caches.map((cache) => cache.statusOf(this.#isUsed(cache)));
  }

  close(): void {
    clearTimeout(this.#settling);
    for (const cache of this.#caches) cache.stop();
    this.#caches = [];
  }

  #new(config: RtrCacheConfig): Cache {
    return new Cache(config, {
      key: this.#key,
      moved: () => this.#choose(),
      failed: (text) => {
        this.#metrics.failed();
        this.#listener.failed(config.name, text);
      },
    });
  }

  /** Starts and stops caches by preference, and takes the tables of those that are to be used. */
  #choose(): void {
    if (this.#isChoosing) return;
    this.#isChoosing = true;
    const best = this.#caches.find(({ isSynced }) => isSynced)?.config.preference ?? Number.POSITIVE_INFINITY;
    for (const cache of this.#caches) {
      if (cache.config.preference <= best) cache.start();
      else cache.stop();
    }
    this.#isChoosing = false;
    const used = this.#caches.filter((cache) => this.#isUsed(cache));
    this.#tables = used.flatMap(({ table }) => table ?? []);
    this.#metrics.collect(this.#caches, this.#tables);
    const stamp = used.map((cache) => `${this.#caches.indexOf(cache)}:${cache.changes}`).join(' ');
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined;
      this.#metrics.revalidated();
      this.#listener.changed();
    }, SETTLE_MS);
  }

  #isUsed(cache: Cache): boolean {
    return cache.isSynced || (cache.table !== undefined && !this.#caches.some(({ isSynced }) => isSynced));
  }
}
