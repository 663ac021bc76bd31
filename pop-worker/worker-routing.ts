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

/** The routes and rules of a worker's own file, kept in the kernel while it runs. */
export class WorkerRouting {
  readonly #config: RoutingConfig;
  readonly #log: Logger;
  #routes: KernelRoutes | undefined;

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
    for (const { prefix, table = TABLE, via, refuse } of routes) {
      const hops = via.map(({ device, gateway, weight }) => ({ device, weight, ...(gateway && { gateway }) }));
      kernel.set(prefix, refuse === undefined ? kernel.hops(hops) : Target[refuse], table);
    }
    kernel.steer(rulesOf(this.#config));
    kernel.complete();
    await kernel.settled();
    const { lastRefusal } = kernel.status;
    if (lastRefusal !== undefined) this.#log.warn('the kernel refuses routes; they are tried again', { lastRefusal });
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
