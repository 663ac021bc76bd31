import type { Logger } from '#telemetry/logger.ts';
import type { Mending, WorkerNetwork } from './network.ts';

const DOWN_MS = 5000;

/** Changes of what the kernel does for a worker, one after the other. One that fails is told, and the next one is tried. */
export class NetworkChanges {
  readonly #network: WorkerNetwork;
  readonly #log: Logger;
  #last: Promise<unknown> = Promise.resolve();

  constructor(network: WorkerNetwork, log: Logger) {
    this.#network = network;
    this.#log = log;
  }

  /** @param device the TUN, which is open @throws ToolError, KernelRefusal */
  async up(device: string): Promise<void> {
    const up = this.#last.then(() => this.#network.up(device));
    this.#last = up.catch(() => {});
    await up;
  }

  setTenant(tenant: string, prefixes: readonly string[]): void {
    this.#last = this.#last
      .then(() => this.#network.setTenant(tenant, prefixes))
      .catch((error: Error) => this.#log.error('a tenant has no way out', { tenant, reason: error.message }));
  }

  setRefused(prefixes: readonly string[]): void {
    this.#last = this.#last
      .then(() => this.#network.setRefused(prefixes))
      .catch(({ message }: Error) =>
        this.#log.error('destinations are not refused by the kernel', { reason: message }),
      );
  }

  /** As `WorkerNetwork.mend`, after what was asked for before. */
  mend(isWhole: boolean): Promise<Mending> {
    const mending = this.#last.then(() => this.#network.mend(isWhole));
    this.#last = mending.catch(() => {});
    return mending;
  }

  /** Until what was asked for so far is done. */
  async settled(): Promise<void> {
    await this.#last;
  }

  /** Removes what was made, as far as it takes no longer than a few seconds. */
  async down(): Promise<void> {
    const down = this.#last.then(() => this.#network.down());
    const late = new Promise((resolve) => setTimeout(resolve, DOWN_MS).unref());
    await Promise.race([down, late]).catch((error: Error) => this.#log.error('nftables', { reason: error.message }));
  }
}
