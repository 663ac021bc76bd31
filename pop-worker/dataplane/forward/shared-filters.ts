import { PAIR_BYTES, type PairState, writePair } from '#protocol/nat/pairs.ts';
import { SectionWriter } from '#protocol/nat/wire.ts';

/** As long as other workers keep what they were told of a device that is nowhere. */
const REMEMBERED_SECONDS = 600;
/** IPv6 is not translated. */
const NO_BLOCK = { address: 0, port: 0, ports: 0 };

/** Whether an address is one that a device may send from. */
type Owns = (buffer: Uint8Array, at: number) => boolean;

interface Owner {
  readonly key: string;
  /** Of its latest session. */
  owns: Owns;
  /** Sessions of it here. */
  sessions: number;
  isElsewhere: boolean;
  leftAt: number;
}

/** Whose filters are told to whoever keeps them for other workers, and what is still to be told. */
export class SharedFilters {
  readonly counters = { told: 0, not_told: 0, restored: 0 };
  /** Something could not be told: all is to be told again. */
  isBehind = false;
  readonly #send: (message: Uint8Array) => boolean;
  readonly #owners = new Map<number, Owner>();
  readonly #byKey = new Map<string, number>();
  readonly #writer = new SectionWriter(PAIR_BYTES);
  readonly #pair = new Uint8Array(PAIR_BYTES);
  #last = 0;

  /** @param send tells them to the mesh's thread @returns false when it is not taken now */
  constructor(send: (message: Uint8Array) => boolean) {
    this.#send = send;
  }

  /** A device's session is here. @returns a number for its filters, above 0, never given to another device */
  attach(key: string, owns: Owns): number {
    const known = this.#byKey.get(key);
    const owner = known === undefined ? undefined : this.#owners.get(known);
    if (known !== undefined && owner !== undefined) {
      owner.sessions++;
      owner.isElsewhere = false;
      owner.owns = owns;
      return known;
    }
    const number = ++this.#last;
    this.#owners.set(number, { key, owns, sessions: 1, isElsewhere: false, leftAt: 0 });
    this.#byKey.set(key, number);
    return number;
  }

  /** It is here, as all threads have it by now. */
  isHere(number: number): void {
    const owner = this.#owners.get(number);
    if (owner !== undefined) owner.isElsewhere = false;
  }

  /** A session is over. @param now seconds */
  detach(number: number, now: number): void {
    const owner = this.#owners.get(number);
    if (owner === undefined) return;
    owner.sessions--;
    owner.leftAt = now;
    if (owner.isElsewhere) this.#forget(number, owner);
  }

  /** Whoever is elsewhere has its filters there. */
  isElsewhere(key: string): void {
    const number = this.#byKey.get(key);
    const owner = number === undefined ? undefined : this.#owners.get(number);
    if (number === undefined || owner === undefined) return;
    owner.isElsewhere = true;
    this.#forget(number, owner);
  }

  #forget(number: number, { key, sessions }: Owner): void {
    if (sessions > 0) return;
    this.#owners.delete(number);
    this.#byKey.delete(key);
  }

  /** The filters of a device that is here; 0: it is not. */
  numberOf(key: string): number {
    const number = this.#byKey.get(key) ?? 0;
    return (this.#owners.get(number)?.sessions ?? 0) > 0 ? number : 0;
  }

  /** Whether an IPv6 address is the device's. */
  owns(number: number, buffer: Uint8Array, at: number): boolean {
    return this.#owners.get(number)?.owns(buffer, at) === true;
  }

  /** @param words of the pair, from `from` on @returns whether it is somebody's who is here, or may come back */
  tell(number: number, state: PairState, words: Uint32Array, from: number): boolean {
    const owner = this.#owners.get(number);
    if (owner === undefined || owner.isElsewhere) return false;
    this.counters.told++;
    writePair(this.#pair, state, words, from);
    if (this.#add(owner.key)) return true;
    this.flush();
    return this.#add(owner.key);
  }

  #add(key: string): boolean {
    return this.#writer.addTo({ key, ...NO_BLOCK }, this.#pair);
  }

  /** What was gathered leaves. */
  flush(): void {
    if (this.#writer.length === 0 || this.#send(this.#writer.take())) return;
    this.counters.not_told++;
    this.isBehind = true;
  }

  /** It is so late now: who left long ago is forgotten. */
  tick(now: number): void {
    for (const [number, owner] of this.#owners)
      if (owner.sessions === 0 && owner.leftAt + REMEMBERED_SECONDS <= now) this.#forget(number, owner);
  }
}
