import { networkInterfaces } from 'node:os';

/** Addresses of this machine by which others reach it, without those of one interface. */
export const ownAddresses = (except: string | undefined): ReadonlySet<string> => {
  const found = new Set<string>();
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (name === except) continue;
    for (const { address, internal, scopeid } of addresses ?? []) if (!internal && !scopeid) found.add(address);
  }
  return found;
};

/** Calls back when the addresses of this machine are others than a second ago. */
export class NetworkWatch {
  readonly #except: string | undefined;
  readonly #changed: (isOurs: (address: string) => boolean) => void;
  readonly #timer: NodeJS.Timeout;
  #last: string;

  /** @param except interface whose addresses do not count: the tunnel itself */
  constructor(except: string | undefined, changed: (isOurs: (address: string) => boolean) => void, periodMs = 1000) {
    this.#except = except;
    this.#changed = changed;
    this.#last = this.#fingerprint(ownAddresses(except));
    this.#timer = setInterval(() => this.#look(), periodMs);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #fingerprint(addresses: ReadonlySet<string>): string {
    return [...addresses].sort().join(' ');
  }

  #look(): void {
    const addresses = ownAddresses(this.#except);
    const now = this.#fingerprint(addresses);
    if (now === this.#last) return;
    this.#last = now;
    // Loopback is always ours.
    this.#changed((address) => addresses.has(address) || address.startsWith('127.') || address === '::1');
  }
}
