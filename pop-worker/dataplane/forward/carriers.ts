import { PrefixTable } from '#protocol/ip/prefix-table.ts';
import type { Prefix } from '#protocol/ip/text.ts';

/**
 * Unique IPv4 addresses that stand for (tenant, inner address) outside of the data plane: tenants may use the same inner
 * addresses, the kernel's connection tracking behind the TUN must not mix them up. Taken from one prefix of the worker
 * (RFC 6598 space by default), the first and last address left out. Each data-plane thread has a slice of its own.
 */
export class Carriers {
  readonly prefix: Prefix;
  readonly #bySession = new PrefixTable(4);
  readonly #perThread: number;
  readonly #threads: number;
  readonly #last: number;
  readonly #free: number[] = [];
  readonly #reserved: number;
  #next: number;

  /**
   * @param reserved an address of the prefix that is never given: the data plane's own
   * @param thread whose slice this is @param threads how many there are
   */
  constructor(prefix: Prefix, reserved?: Uint8Array, thread = 0, threads = 1) {
    if (prefix.address.length !== 4 || prefix.length > 30)
      throw new RangeError('carrier prefix must be IPv4 of at least four addresses');
    this.prefix = prefix;
    this.#perThread = Math.floor((2 ** (32 - prefix.length) - 2) / threads);
    this.#threads = threads;
    this.#next = 1 + thread * this.#perThread;
    this.#last = this.#next + this.#perThread - 1;
    this.#reserved = reserved === undefined ? -1 : toNumber(reserved) - toNumber(prefix.address);
  }

  /** @returns a carrier for the session, or undefined when all are in use */
  take(session: number): Uint8Array | undefined {
    if (this.#next === this.#reserved) this.#next++;
    const offset = this.#next <= this.#last ? this.#next++ : this.#free.shift();
    if (offset === undefined) return undefined;
    const address = this.#address(offset);
    this.#bySession.set(address, 32, session);
    return address;
  }

  /** A carrier comes into use again as late as possible, so that answers still on their way find nobody. */
  release(address: Uint8Array): void {
    if (!this.#bySession.delete(address, 32)) return;
    this.#free.push(toNumber(address) - toNumber(this.prefix.address));
  }

  /** @returns the thread whose session a carrier, in use or not, stands for; -1 for other addresses */
  threadOf(buffer: Uint8Array, at: number): number {
    const thread = Math.floor((toNumber(buffer, at) - toNumber(this.prefix.address) - 1) / this.#perThread);
    return thread >= 0 && thread < this.#threads ? thread : -1;
  }

  /** Whether an address is one of the carriers, in use or not. */
  contains(buffer: Uint8Array, at: number): boolean {
    const offset = toNumber(buffer, at) - toNumber(this.prefix.address);
    return offset >= 0 && offset < 2 ** (32 - this.prefix.length);
  }

  /** @returns the session that a packet from outside is for, or -1 */
  lookup(buffer: Uint8Array, at: number): number {
    return this.#bySession.lookup(buffer, at);
  }

  #address(offset: number): Uint8Array {
    const n = toNumber(this.prefix.address) + offset;
    return Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n);
  }
}

const toNumber = (address: Uint8Array, at = 0): number =>
  (((address[at] as number) << 24) |
    ((address[at + 1] as number) << 16) |
    ((address[at + 2] as number) << 8) |
    (address[at + 3] as number)) >>>
  0;
