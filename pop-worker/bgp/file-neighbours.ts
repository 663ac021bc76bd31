import { isDeepStrictEqual } from 'node:util';
import type { BgpThread } from '#pop-worker/routing/bgp/bgp-thread.ts';
import { reachableAddress } from '#pop-worker/routing/bgp/link-address.ts';
import type { RoutesChange } from '#pop-worker/routing/bgp/messages.ts';
import type { BgpNeighbourConfig } from '#pop-worker/routing/bgp/setup.ts';
import type { Policies } from '#protocol/bgp/policy/rule.ts';
import type { Logger } from '#telemetry/logger.ts';

/** A neighbour that cannot be had here, such as on an interface that is not there, is tried again after so long. */
const RETRY_MS = 10_000;

/** What may change while there is a session. */
const APART = { routes: undefined, shutdown: undefined };

/** Whether a neighbour may keep its session: at most which routes are taken and told is another. */
const isSameSession = (one: BgpNeighbourConfig, other: BgpNeighbourConfig): boolean =>
  one.routes.nextHop4 === other.routes.nextHop4 &&
  one.routes.nextHop6 === other.routes.nextHop6 &&
  isDeepStrictEqual({ ...one, ...APART }, { ...other, ...APART });

interface Known {
  readonly config: BgpNeighbourConfig;
  /** That the BGP thread knows it by; undefined: it does not. */
  id: number | undefined;
  /** Why it cannot be had. */
  refusal: string | undefined;
}

/** A neighbour that is wanted and cannot be had as it is. */
export interface RefusedNeighbour {
  readonly name: string;
  readonly address: string;
  readonly reason: string;
}

/** The neighbours of a file, as the BGP thread has them. */
export class FileNeighbours {
  readonly #thread: Pick<BgpThread, 'add' | 'post'>;
  readonly #log: Logger;
  #known: Known[] = [];
  #retry: NodeJS.Timeout | undefined;

  constructor(thread: Pick<BgpThread, 'add' | 'post'>, log: Logger) {
    this.#thread = thread;
    this.#log = log;
  }

  get count(): number {
    return this.#known.length;
  }

  get names(): readonly string[] {
    return this.#known.map(({ config }) => config.name);
  }

  /** @param name of the file; its number is undefined while the BGP thread does not have it */
  find(name: unknown): Known | undefined {
    return this.#known.find(({ config }) => config.name === name);
  }

  nameOf(id: number): string | undefined {
    return this.#known.find((one) => one.id === id)?.config.name;
  }

  get refused(): readonly RefusedNeighbour[] {
    return this.#known.flatMap(({ config: { name, address }, refusal: reason }) =>
      reason === undefined ? [] : [{ name, address, reason }],
    );
  }

  /**
   * These are wanted: sessions stay where only routes, policies and whether there is to be one are others. Those that are gone
   * go first, and a neighbour never has a policy that there is not.
   *
   * @param policies in place of those before; undefined: they stay
   */
  set(wanted: readonly BgpNeighbourConfig[], policies?: Policies): void {
    const before = this.#known;
    const changes: RoutesChange[] = [];
    this.#known = [];
    for (const one of before) {
      const next = wanted.find((config) => isSameSession(config, one.config));
      if (next !== undefined) this.#known.push(this.#changed(one, next, changes));
      else if (one.id !== undefined) this.#thread.post({ type: 'remove', id: one.id });
    }
    if (policies !== undefined) this.#thread.post({ type: 'policies', policies, changes });
    else for (const change of changes) this.#thread.post({ type: 'change', ...change });
    const kept = new Set(this.#known.map(({ config }) => config));
    for (const config of wanted) {
      if (kept.has(config)) continue;
      const known: Known = { config, id: undefined, refusal: undefined };
      this.#known.push(known);
      this.#try(known);
    }
  }

  /** The BGP thread cannot have it. @param reason one sentence */
  refuse(id: number, reason: string): void {
    const known = this.#known.find((one) => one.id === id);
    if (known !== undefined) this.#refuse(known, reason);
  }

  close(): void {
    clearTimeout(this.#retry);
  }

  /** @param changes gets what it has other than before */
  #changed({ id, refusal, config }: Known, next: BgpNeighbourConfig, changes: RoutesChange[]): Known {
    const known = { config: next, id, refusal };
    if (id === undefined) return known;
    if (!isDeepStrictEqual(next.routes, config.routes)) changes.push({ id, routes: next.routes });
    if (next.shutdown === config.shutdown) return known;
    if (next.shutdown === undefined) this.#thread.post({ type: 'start', id });
    else this.#thread.post({ type: 'stop', id, text: next.shutdown });
    return known;
  }

  #try(known: Known): void {
    const { config } = known;
    const address = reachableAddress(config.address);
    if (address === undefined) {
      this.#refuse(known, `this machine has no interface ${JSON.stringify(config.address.split('%')[1])}`);
      return;
    }
    known.id = this.#thread.add({ ...config, address });
  }

  /** It is said once, and shown as long as it is so. */
  #refuse(known: Known, reason: string): void {
    if (known.refusal !== reason) this.#log.error('neighbour refused', { neighbor: known.config.name, reason });
    known.refusal = reason;
    known.id = undefined;
    this.#retry ??= setTimeout(() => this.#tryAgain(), RETRY_MS).unref();
  }

  /** The BGP thread says by a change of state that it has one now. */
  accepted(id: number): void {
    const known = this.#known.find((one) => one.id === id);
    if (known !== undefined) known.refusal = undefined;
  }

  #tryAgain(): void {
    this.#retry = undefined;
    for (const known of this.#known) if (known.refusal !== undefined) this.#try(known);
  }
}
