import { type LookupAddress, lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import type { Place } from '#client/netconfig.ts';

/** Whoever resolves names takes longer than this only when nobody answers. */
const PATIENCE_MS = 2000;

/**
 * Names of an installation's services. Addresses that were found before are used while names cannot be resolved: inside a
 * tunnel that is down nobody may answer, and the token that would bring it up again must be got.
 */
export class Names {
  readonly #known = new Map<string, readonly LookupAddress[]>();
  readonly #ports = new Map<string, Set<number>>();

  /** A connection to there is about to be opened. */
  use(host: string, port: number): void {
    const ports = this.#ports.get(host) ?? new Set();
    this.#ports.set(host, ports.add(port));
    const family = isIP(host);
    if (family !== 0) this.#known.set(host, [{ address: host, family }]);
  }

  /** All that connections may have gone to. */
  places(): readonly Place[] {
    return [...this.#ports].flatMap(([host, ports]) =>
      (this.#known.get(host) ?? []).flatMap(({ address }) => [...ports].map((port) => ({ address, port }))),
    );
  }

  readonly lookup: LookupFunction = (host, options, callback) => {
    const answer = (addresses: readonly LookupAddress[]): void => {
      const [first] = addresses;
      if (options.all) callback(null, [...addresses]);
      else callback(null, first?.address ?? '', first?.family);
    };
    const known = this.#known.get(host);
    let isOver = false;
    const once = (use: () => void): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      use();
    };
    const timer = known && setTimeout(() => once(() => answer(known)), PATIENCE_MS);
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error === null) this.#known.set(host, addresses);
      if (error === null) once(() => answer(addresses));
      else once(() => (known === undefined ? callback(error, '') : answer(known)));
    });
  };
}
