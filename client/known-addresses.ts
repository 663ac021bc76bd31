import { asFailure, type ConnectFailure } from './failure.ts';
import type { After } from './race.ts';

/** Addresses that are known already are tried when the resolver takes longer. */
const RESOLVE_US = 500_000;

/** Addresses of names. Those that were found before are kept: names may be out of reach while the tunnel is down. */
export class KnownAddresses {
  readonly #resolve: (host: string) => Promise<readonly string[]>;
  readonly #after: After;
  readonly #known = new Map<string, readonly string[]>();

  constructor(resolve: (host: string) => Promise<readonly string[]>, after: After) {
    this.#resolve = resolve;
    this.#after = after;
  }

  async of(host: string): Promise<readonly string[] | ConnectFailure> {
    const known = this.#known.get(host);
    const found = this.#resolve(host).then(
      (addresses) => {
        this.#known.set(host, addresses);
        return addresses;
      },
      (error) => known ?? asFailure(error),
    );
    if (known === undefined) return found;
    const late = Promise.withResolvers<readonly string[]>();
    const cancel = this.#after(RESOLVE_US, () => late.resolve(known));
    const first = await Promise.race([found, late.promise]);
    cancel();
    return first;
  }
}
