import type { Logger } from '#telemetry/logger.ts';
import { allocateSlots, type Slots, slotOf } from '#telemetry/slots.ts';
import type { NetworkChanges } from './network-changes.ts';

interface KeeperParts {
  readonly changes: Pick<NetworkChanges, 'mend'>;
  readonly log: Logger;
}

const EVERY_MS = 1000;
/** Every so often what takes a program to look at is looked at too. */
const WHOLE_EVERY = 5;
/** Once may be chance, such as a lock of nftables that another program holds. */
const FAILURES = 2;

/** Looks whether what the kernel does for a worker is still there, and puts back what others have taken away. */
export class NetworkKeeper {
  readonly slots: Slots = allocateSlots();
  readonly #parts: KeeperParts;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isWanted = false;
  #looks = 0;
  #failures = 0;
  #told: string | undefined;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  start(): void {
    const look = (): void => void this.#look(++this.#looks % WHOLE_EVERY === 0 || this.#failures > 0);
    this.#timer = setInterval(look, EVERY_MS).unref();
  }

  /** Packets do not come through: everything is looked at now. */
  look(): void {
    if (this.#isLooking) this.#isWanted = true;
    else if (this.#timer !== undefined) void this.#look(true);
  }

  /** Why something cannot be put back, in words; undefined: all is there. */
  get fault(): string | undefined {
    return this.#failures < FAILURES ? undefined : this.#told;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#isWanted = false;
  }

  async #look(isWhole: boolean): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { log, changes } = this.#parts;
    const { mended, fault } = await changes.mend(isWhole);
    this.#isLooking = false;
    for (const what of mended) {
      this.#count(slotOf('cloudbridge_network_repairs_total', { what }));
      log.warn('somebody took away what the worker needs of the kernel; it was put back', { what });
    }
    this.#failures = fault === undefined ? 0 : this.#failures + 1;
    if (fault !== undefined) {
      this.#count(slotOf('cloudbridge_network_failed_repairs_total', {}));
      if (fault !== this.#told) log.error('what the worker needs of the kernel cannot be put back', { reason: fault });
    }
    this.#told = fault;
    if (!this.#isWanted) return;
    this.#isWanted = false;
    void this.#look(true);
  }

  #count(slot: number): void {
    this.slots[slot] = (this.slots[slot] as number) + 1;
  }
}
