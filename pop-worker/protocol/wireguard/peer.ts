import type { Random, TimeUs } from '../contract.ts';
import { AskedAnew } from './anycast/asked-anew.ts';
import type { UnvalidatedSource } from './anycast/unvalidated.ts';
import { CookieKeeper } from './cookies/keeper.ts';
import { Endpoint } from './endpoint.ts';
import { Keypairs } from './keypairs.ts';
import type { OwnKeys } from './own-keys.ts';
import type { Handshake, HandshakePort, Identity, PeerKeys, WireGuardPorts } from './ports.ts';
import { nextIndex, receiverIndex } from './receiver-index.ts';
import { Staged, type StagedTotal } from './staged.ts';
import { TAI64N_BYTES } from './tai64n.ts';
import { NO_SLOT, type Scheduled } from './timers/deadlines.ts';
import { Timers } from './timers/timers.ts';

/** An initiation of ours without a response yet. */
export interface Pending {
  readonly index: number;
  readonly state: Handshake;
  /** What it was begun by. */
  readonly keys: PeerKeys;
  /** Messages that came as an answer to it before others. */
  tries: number;
}

/** Totals of a peer, datagrams and their bytes, as `wg show` counts them. */
export interface PeerCounters {
  receivedBytes: number;
  sentBytes: number;
}

const generation = new Uint8Array(1);

/** Everything of one peer. */
export class Peer implements Scheduled {
  /** Its 24 bits of receiver indices, the same on every worker. */
  readonly number: number;
  /** For the key of ours that it last came by. */
  keys: PeerKeys;
  readonly keypairs: Keypairs;
  readonly cookies: CookieKeeper;
  readonly timers: Timers;
  readonly staged: Staged;
  readonly endpoint = new Endpoint();
  readonly counters: PeerCounters = { receivedBytes: 0, sentBytes: 0 };
  /** Of the newest initiation that was taken: nothing older is. */
  readonly lastTimestamp = new Uint8Array(TAI64N_BYTES);
  lastInitiationTakenAt: TimeUs = Number.NEGATIVE_INFINITY;
  /** When an initiation or response was sent. */
  lastHandshakeSentAt: TimeUs = Number.NEGATIVE_INFINITY;
  /** When a session was last agreed on, by both as far as we know. */
  lastHandshakeAt: TimeUs | undefined;
  /** When something authentic came of a session of ours. */
  heardAt: TimeUs = Number.NEGATIVE_INFINITY;
  attempts = 0;
  sentLastMinuteHandshake = false;
  pending: Pending | undefined;
  unvalidated: UnvalidatedSource | undefined;
  /** When another worker was last asked about what came in its name. */
  askedAt: TimeUs = Number.NEGATIVE_INFINITY;
  readonly askedAnew = new AskedAnew();
  /** When another worker was last told that it was this peer that had sent something there. */
  vouchedForAt: TimeUs = Number.NEGATIVE_INFINITY;
  keepaliveDue = false;
  deadlineSlot = NO_SLOT;
  #lastIndex: number;
  readonly #handshake: HandshakePort;
  /** For another key of ours, once that was needed. */
  #others: PeerKeys | undefined;

  constructor(number: number, keys: PeerKeys, ports: WireGuardPorts, random: Random, staged: StagedTotal) {
    this.number = number;
    this.keys = keys;
    this.#handshake = ports.handshake;
    this.keypairs = new Keypairs(ports.transport);
    this.cookies = new CookieKeeper(ports.mac);
    this.timers = new Timers(random);
    this.staged = new Staged(staged);
    random.fill(generation);
    this.#lastIndex = receiverIndex(number, generation[0] as number);
  }

  /** Whether an index is of a session or handshake that there is. */
  isAddressedBy(index: number): boolean {
    const isPending = this.pending?.index === index || this.unvalidated?.byIndex(index) !== undefined;
    return isPending || this.keypairs.byIndex(index) !== undefined;
  }

  /** The handshake of ours with this index that may be answered now. */
  awaited(index: number, now: TimeUs): Pending | undefined {
    return this.pending?.index === index ? this.pending : this.unvalidated?.awaited(index, now);
  }

  /** Whether there is neither a session with it nor a handshake that we have begun. */
  get isStrange(): boolean {
    const { current, previous, next } = this.keypairs;
    return (current ?? previous ?? next ?? this.pending) === undefined;
  }

  /** An index for a new handshake. */
  newIndex(): number {
    const { current, previous, next } = this.keypairs;
    this.#lastIndex = nextIndex(this.#lastIndex, [current?.index, previous?.index, next?.index, this.pending?.index]);
    return this.#lastIndex;
  }

  /** What there is of it for one of our keys; the first time for another one costs a Diffie-Hellman. */
  keysFor(own: Identity): PeerKeys {
    if (this.keys.identity === own) return this.keys;
    if (this.#others?.identity === own) return this.#others;
    this.#others?.forget();
    this.#others = this.#handshake.alike(this.keys, own);
    return this.#others;
  }

  /** It has come by this key of ours. */
  cameBy(own: Identity): void {
    const keys = this.keysFor(own);
    if (keys === this.keys) return;
    this.#others = this.keys;
    this.keys = keys;
  }

  /** Wipes what it has for keys of ours that are no more. */
  rejoin(own: OwnKeys): void {
    if (!own.has(this.keys.identity)) this.cameBy(own.newest.identity);
    if (this.#others === undefined || own.has(this.#others.identity)) return;
    this.#others.forget();
    this.#others = undefined;
  }

  /** @param key 32 bytes */
  setPresharedKey(key: Uint8Array): void {
    this.keys.setPresharedKey(key);
    this.#others?.setPresharedKey(key);
  }

  /** Wipes sessions and what is under way by this key of ours. @returns whether it was here by it */
  leave(gone: Identity): boolean {
    const wasHere = this.keypairs.current?.own === gone;
    this.keypairs.forgetOf(gone);
    if (this.pending?.keys.identity === gone) this.forgetPending();
    this.unvalidated?.forgetOf(gone);
    return wasHere;
  }

  forgetKeys(): void {
    this.keys.forget();
    this.#others?.forget();
    this.#others = undefined;
  }

  forgetPending(): void {
    this.pending?.state.forget();
    this.pending = undefined;
  }

  /** Whatever is under way with a source that nothing vouches for. */
  forgetUnvalidated(): void {
    this.unvalidated?.forget();
    this.unvalidated = undefined;
  }

  /** Wipes sessions and what is under way; the peer remains. */
  zeroKeys(): void {
    this.forgetPending();
    this.forgetUnvalidated();
    this.keypairs.forget();
  }
}
