import { isDeepStrictEqual } from 'node:util';
import { threadOf } from '#dataplane/wireguard/steering.ts';
import { type ThreadPeers, writeKeys, writePlaces } from '#dataplane/wireguard/thread-peers.ts';
import type { WireGuardPeer, WireGuardPeersChange } from '#model/wireguard-peer.ts';
import { allocateSlots, slotOf } from '#telemetry/slots.ts';
import { SortedNumbers } from './sorted-numbers.ts';

export interface PeerRollParts {
  /** Peers of the worker; of more, those with the highest numbers are refused. */
  readonly most: number;
  /** Data-plane threads. */
  readonly threads: number;
  /** Preshared keys that are taken are nobody else's: they are wiped once they are of no use. */
  readonly ownsKeys: boolean;
  /** Tells one of them. */
  readonly post: (thread: number, peers: ThreadPeers) => void;
}

const REFUSED = slotOf('cloudbridge_wireguard_peers', { state: 'refused' });

const nameOf = ({ tenant, device }: WireGuardPeer): string => `${tenant}.${device}`;
const keyOf = ({ publicKey }: WireGuardPeer): string => Buffer.from(publicKey).toString('latin1');

/**
 * Who of those that come by WireGuard is a peer here, and what each data-plane thread has been told of that. Of a change it is told
 * what is another for it, and nothing else. A number and a key are one peer's: whoever has them keeps them, and who waits for them
 * comes in when they are free; so does the next one by number when there were too many and one leaves.
 */
export class PeerRoll {
  /** How many are refused: more than may be, or of a number or key that another one has. */
  readonly slots = allocateSlots();
  readonly #parts: PeerRollParts;
  /** All that are known, by their names. */
  readonly #known = new Map<string, WireGuardPeer>();
  /** Names of those that have a number and a key to themselves. */
  readonly #byNumber = new Map<number, string>();
  readonly #byKey = new Map<string, string>();
  readonly #numbers = new SortedNumbers();
  /** Names of those whose number or key another one has. */
  readonly #inTheWay = new Set<string>();
  /** What threads have been told, by number. */
  readonly #told = new Map<number, WireGuardPeer>();

  constructor(parts: PeerRollParts) {
    this.#parts = parts;
  }

  get refused(): number {
    return this.#inTheWay.size + Math.max(0, this.#numbers.size - this.#parts.most);
  }

  take({ changed, removed }: WireGuardPeersChange): void {
    const touched = new Set<number>();
    const others = [...changed].filter(([name, peer]) => !isDeepStrictEqual(this.#known.get(name), peer));
    const former = [...removed, ...others.map(([name]) => name)].map((name) => this.#known.get(name));
    for (const name of removed) this.#leave(name, touched);
    // Before others may have their numbers and keys.
    for (const [name, peer] of others) if (!this.#isInPlace(name, peer)) this.#leave(name, touched);
    const isFreed = touched.size > 0;
    for (const [name, peer] of others) {
      this.#known.set(name, peer);
      if (this.#byNumber.get(peer.number) === name) touched.add(peer.number);
      else this.#enter(name, peer, touched);
    }
    const waiting = isFreed ? [...this.#inTheWay] : [];
    for (const name of waiting) this.#enter(name, this.#known.get(name) as WireGuardPeer, touched);
    this.slots[REFUSED] = this.refused;
    this.#tell(touched);
    if (this.#parts.ownsKeys) this.#wipe([...former, ...changed.values()]);
  }

  /** Those of them that are not known any more, or are known by another record that says the same. */
  #wipe(records: readonly (WireGuardPeer | undefined)[]): void {
    for (const record of records) {
      if (record?.presharedKey === undefined) continue;
      const kept = this.#known.get(nameOf(record));
      if (kept?.presharedKey !== record.presharedKey) record.presharedKey.fill(0);
    }
  }

  /** Whether it has number and key already. */
  #isInPlace(name: string, peer: WireGuardPeer): boolean {
    return this.#byNumber.get(peer.number) === name && this.#byKey.get(keyOf(peer)) === name;
  }

  #leave(name: string, touched: Set<number>): void {
    const peer = this.#known.get(name);
    if (peer === undefined) return;
    this.#known.delete(name);
    if (this.#inTheWay.delete(name)) return;
    this.#byNumber.delete(peer.number);
    this.#byKey.delete(keyOf(peer));
    const { most } = this.#parts;
    touched.add(peer.number);
    if (this.#numbers.delete(peer.number) < most) this.#touch(most - 1, touched);
  }

  /** Lets it have its number and key, unless another one has one of them. */
  #enter(name: string, peer: WireGuardPeer, touched: Set<number>): void {
    const key = keyOf(peer);
    if (this.#byNumber.has(peer.number) || this.#byKey.has(key)) {
      this.#inTheWay.add(name);
      return;
    }
    this.#inTheWay.delete(name);
    this.#byNumber.set(peer.number, name);
    this.#byKey.set(key, name);
    const { most } = this.#parts;
    touched.add(peer.number);
    if (this.#numbers.add(peer.number) < most) this.#touch(most, touched);
  }

  /** Whoever stands there by number was on the other side of the most that may be. */
  #touch(place: number, touched: Set<number>): void {
    const number = this.#numbers.at(place);
    if (number !== undefined) touched.add(number);
  }

  /** Who is a peer by this number, if anybody is. */
  #peer(number: number): WireGuardPeer | undefined {
    const name = this.#byNumber.get(number);
    return name !== undefined && this.#numbers.placeOf(number) < this.#parts.most ? this.#known.get(name) : undefined;
  }

  #tell(touched: ReadonlySet<number>): void {
    const { threads, post } = this.#parts;
    const changes = [...touched].flatMap((number) => {
      const [before, after] = [this.#told.get(number), this.#peer(number)];
      if (after === undefined) this.#told.delete(number);
      else this.#told.set(number, after);
      return before === after ? [] : [{ number, before, after }];
    });
    for (let thread = 0; thread < threads; thread++) {
      const own = changes.filter(({ number }) => threadOf(number, threads) === thread);
      const others = changes.filter(
        ({ number, before, after }) =>
          threadOf(number, threads) !== thread && (before && keyOf(before)) !== (after && keyOf(after)),
      );
      if (own.length + others.length === 0) continue;
      post(thread, {
        changed: own.flatMap(({ after }) => after ?? []),
        removed: own.flatMap(({ number, after }) => (after === undefined ? [number] : [])),
        elsewhere: writePlaces(others.flatMap(({ after }) => after ?? [])),
        nowhere: writeKeys(others.flatMap(({ before }) => before?.publicKey ?? [])),
      });
    }
  }
}
