import type { RoutedUplink } from '#model/routing.ts';
import type { Hop } from '#pop-worker/routing/kernel/hop-sets.ts';
import { KernelRoutes } from '#pop-worker/routing/kernel/kernel-routes.ts';
import { OWNERSHIP, TABLE } from '#pop-worker/routing/kernel/ownership.ts';
import type { KernelRoutesStatus } from '#pop-worker/routing/kernel/status.ts';
import type { SteeringRule } from '#pop-worker/routing/kernel/steering.ts';
import { Target } from '#pop-worker/routing/kernel/targets.ts';
import type { Logger } from '#telemetry/logger.ts';
import { familyOfPrefix, type RoutingConfig } from './routing-config.ts';

const rulesOf = ({ rules }: RoutingConfig): SteeringRule[] =>
  rules.map(({ table = TABLE, from, to, device, mark }, order) => ({
    order,
    family: familyOfPrefix(from ?? to ?? ''),
    table,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(device !== undefined && { device }),
    ...(mark !== undefined && { mark }),
  }));

/** A way out of the PoP, with the routers on its link. */
export type WayOut = Pick<RoutedUplink, 'device' | 'gateways' | 'id' | 'weight'>;

/** What the kernel takes. */
const MOST_WEIGHT = 256;

/**
 * Hops over uplinks for routes of one family. An uplink without any gateway leads straight to its link; one with a gateway of
 * the other family alone leads nowhere. The same hop by two names is one hop with both of their weights.
 */
const hopsOver = (uplinks: readonly WayOut[], family: 4 | 6): Hop[] => {
  const hops = new Map<string, Hop>();
  for (const { device, gateways, weight } of uplinks) {
    const gateway = gateways.find((text) => text.includes(':') === (family === 6));
    if (gateways.length > 0 && gateway === undefined) continue;
    const key = `${gateway}%${device}`;
    const sum = Math.min((hops.get(key)?.weight ?? 0) + weight, MOST_WEIGHT);
    hops.set(key, { device, weight: sum, ...(gateway !== undefined && { gateway }) });
  }
  return [...hops.values()];
};

/** The routes and rules of a worker's own file, kept in the kernel while it runs. */
export class WorkerRouting {
  readonly #config: RoutingConfig;
  readonly #log: Logger;
  #routes: KernelRoutes | undefined;
  #uplinks: readonly WayOut[] = [];
  /** Names of uplinks that lead nowhere. */
  #failed: ReadonlySet<string> = new Set();

  constructor(config: RoutingConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
  }

  /** Takes over what an earlier process left. @throws KernelRefusal, or an Error with the errno's name as `code` */
  async up(): Promise<void> {
    const { routes } = this.#config;
    const tables = new Set([TABLE, ...routes.flatMap(({ table }) => table ?? [])]);
    const kernel = await KernelRoutes.open({
      ownership: { ...OWNERSHIP, tables: [...tables] },
      onLink: (device, usable) => this.#log.info('a link changed', { device, usable }),
      onError: (error) => this.#log.error('routes', { reason: error.message }),
    });
    this.#routes = kernel;
    this.#leadOverUplinks();
    for (const { prefix, table = TABLE, via, uplinks, refuse } of routes) {
      if (uplinks) continue;
      const hops = via.map(({ device, gateway, weight }) => ({ device, weight, ...(gateway && { gateway }) }));
      kernel.set(prefix, refuse === undefined ? kernel.hops(hops) : Target[refuse], table);
    }
    kernel.steer(rulesOf(this.#config));
    kernel.complete();
    await kernel.settled();
    const { lastRefusal } = kernel.status;
    if (lastRefusal !== undefined) this.#log.warn('the kernel refuses routes; they are tried again', { lastRefusal });
  }

  /** Routes over uplinks lead over these from now on. */
  overUplinks(uplinks: readonly WayOut[]): void {
    this.#uplinks = uplinks;
    this.#leadOverUplinks();
  }

  /** Uplinks of these names are left out, as long as there are others. */
  without(failed: ReadonlySet<string>): void {
    this.#failed = failed;
    this.#leadOverUplinks();
  }

  #leadOverUplinks(): void {
    const kernel = this.#routes;
    if (kernel === undefined) return;
    const good = this.#uplinks.filter(({ id }) => !this.#failed.has(id));
    for (const { prefix, table = TABLE, uplinks } of this.#config.routes) {
      if (!uplinks) continue;
      const family = familyOfPrefix(prefix);
      // Where all have failed, none is known to be better than another.
      const [some, all] = [hopsOver(good, family), hopsOver(this.#uplinks, family)];
      const hops = some.length > 0 ? some : all;
      kernel.set(prefix, hops.length === 0 ? Target.none : kernel.hops(hops), table);
    }
  }

  /** What `cloudbridge worker routes` shows; undefined before `up`. */
  get status(): KernelRoutesStatus | undefined {
    return this.#routes?.status;
  }

  /** Removes what it made. */
  async down(): Promise<void> {
    const routes = this.#routes;
    this.#routes = undefined;
    await routes?.withdraw();
    routes?.close();
  }
}
