import { copyBytes } from '#protocol/quic/copy.ts';
import { PACKET_WORDS, type PacketSealer, TAG_BYTES } from '#protocol/quic/ports.ts';
import { ADDRESS_WORDS, addressFamily } from '../address.ts';
import { type Burst, D_ECN, D_LOCAL, D_REMOTE, ecnOf } from '../burst.ts';
import type { TimeUs } from '../contract.ts';
import { Budgets, sourceBucket } from './budget.ts';
import type { Answer, HandoffCounters, SendDrop } from './counters.ts';
import {
  ANSWER_BYTES,
  addressedBytes,
  HEADER_BYTES,
  Part,
  QUESTION_BYTES,
  SECOND_BYTES,
  writeAddressed,
  writeAnswer,
  writeHeader,
  writeSecond,
} from './format.ts';
import { ANSWERS_PER_SECOND, JOIN_BYTES, MAX_PACKETS, MAX_PEERS, SOURCE_BUCKETS, UPDATE_AFTER } from './limits.ts';
import { freePlace } from './places.ts';
import type { HandoffCrypto, Place } from './ports.ts';
import { directionSecret } from './secrets.ts';

/** Packets that wait to be sealed, of one direction. */
const QUEUE_PACKETS = 256;
const NO_ADDRESS = new Int32Array(ADDRESS_WORDS);

/** Packets from this thread to one thread of a peer. */
class Direction {
  readonly address: Int32Array;
  readonly #sealer: PacketSealer;
  readonly keyId: number;
  readonly #descriptors = new Int32Array(QUEUE_PACKETS * PACKET_WORDS);
  readonly #numbers = new Float64Array(QUEUE_PACKETS);
  #waiting = 0;
  #number = 0;
  readonly #updateAfter: number;
  #phaseEnds: number;
  #phase: 0 | 1 = 0;

  constructor(sealer: PacketSealer, keyId: number, address: Int32Array, updateAfter: number) {
    this.#sealer = sealer;
    this.#updateAfter = updateAfter;
    this.#phaseEnds = updateAfter;
    this.keyId = keyId;
    this.address = address;
  }

  /** How many more packets may wait. */
  get room(): number {
    return QUEUE_PACKETS - this.#waiting;
  }

  get waits(): boolean {
    return this.#waiting > 0;
  }

  get isUsedUp(): boolean {
    return this.#number >= MAX_PACKETS;
  }

  /** Begins a packet at `at`: its header. */
  begin(buffer: Uint8Array, at: number, own: Place): void {
    writeHeader(buffer, at, own.worker, own.thread, this.keyId, this.#phase, this.#number);
  }

  /** What was begun at `at` has so many bytes behind its header. */
  end(at: number, payload: number): void {
    const i = this.#waiting++;
    const word = i * PACKET_WORDS;
    this.#descriptors[word] = at;
    this.#descriptors[word + 1] = HEADER_BYTES;
    this.#descriptors[word + 2] = payload;
    this.#numbers[i] = this.#number++;
  }

  seal(buffer: Uint8Array): void {
    this.#sealer.seal(buffer, this.#descriptors, this.#numbers, this.#waiting);
    this.#waiting = 0;
  }

  /** Moves to the next key phase when its time has come; nothing waits. */
  update(): boolean {
    if (this.#number < this.#phaseEnds) return false;
    this.#phaseEnds = this.#number + this.#updateAfter;
    this.#phase = this.#phase === 0 ? 1 : 0;
    this.#sealer.update();
    return true;
  }

  close(): void {
    this.#sealer.close();
  }
}

export interface SendPeer {
  readonly worker: number;
  /** Of its first thread; each one has a port of its own, counted up. */
  readonly address: Int32Array;
  readonly threads: number;
  /** Bytes of IP packets that the way there carries. */
  readonly mtu: number;
}

interface Peer extends SendPeer {
  readonly index: number;
  readonly directions: (Direction | undefined)[];
}

export interface SenderOptions {
  readonly own: Place;
  readonly crypto: HandoffCrypto;
  readonly counters: HandoffCounters;
  /** Bytes a second to each peer. */
  readonly peerBytesPerSecond: number;
  /** Bytes a second of each source address. */
  readonly sourceBytesPerSecond: number;
  /** Unpredictable: which sources share a budget follows from it. */
  readonly seed: number;
  /** Packets of a key phase; `UPDATE_AFTER` by default. */
  readonly updateAfter?: number;
}

const IP_UDP_BYTES = { 4: 28, 6: 48 } as const;

/** Seals datagrams for other workers into one burst. Nothing but views is allocated per packet. */
export class HandoffSender {
  readonly #options: SenderOptions;
  readonly #peers = new Map<number, Peer>();
  readonly #peerBudgets: Budgets;
  readonly #sourceBudgets: Budgets;
  readonly #answerBudgets = new Budgets(MAX_PEERS, ANSWERS_PER_SECOND, ANSWERS_PER_SECOND);
  readonly #dirty: Direction[] = [];

  constructor(options: SenderOptions) {
    this.#options = options;
    const { peerBytesPerSecond, sourceBytesPerSecond } = options;
    this.#peerBudgets = new Budgets(MAX_PEERS, peerBytesPerSecond);
    this.#sourceBudgets = new Budgets(SOURCE_BUCKETS, sourceBytesPerSecond);
  }

  /**
   * Knows a peer from now on, or better; it has no keys then. `seal` before.
   *
   * @throws RangeError when there are `MAX_PEERS`
   */
  setPeer(peer: SendPeer): void {
    const index = this.#peers.get(peer.worker)?.index ?? freePlace(this.#peers.values(), MAX_PEERS);
    this.removePeer(peer.worker);
    this.#peers.set(peer.worker, { ...peer, index, directions: Array.from({ length: peer.threads }, () => undefined) });
  }

  removePeer(worker: number): void {
    for (const direction of this.#peers.get(worker)?.directions ?? []) direction?.close();
    this.#peers.delete(worker);
  }

  /** Gives a peer's directions keys in place of those they have; `seal` before. @param secret 32 bytes that both workers share */
  setKey(worker: number, keyId: number, secret: Uint8Array): void {
    const peer = this.#peers.get(worker);
    if (peer === undefined) return;
    const { crypto, own, updateAfter = UPDATE_AFTER } = this.#options;
    for (let thread = 0; thread < peer.threads; thread++) {
      peer.directions[thread]?.close();
      const address = peer.address.slice();
      address[0] = ((address[0] as number) + (thread << 16)) | 0;
      const traffic = directionSecret(crypto, secret, own, { worker, thread });
      peer.directions[thread] = new Direction(crypto.sealer(traffic), keyId, address, updateAfter);
    }
  }

  /** Bytes that `out` must have room for, with any datagram up to so many. */
  static roomFor(bytes: number): number {
    return bytes + 2 * (HEADER_BYTES + TAG_BYTES) + addressedBytes(6) + QUESTION_BYTES + SECOND_BYTES;
  }

  /** Whether a datagram of so many bytes finds room now; else `seal`, send and clear `out` first. */
  hasRoom(worker: number, thread: number, bytes: number, out: Burst): boolean {
    const room = this.#direction(this.#peers.get(worker), thread)?.room ?? 2;
    return room >= 2 && out.count + 2 <= out.capacity && out.hasRoom(HandoffSender.roomFor(bytes));
  }

  #direction(peer: Peer | undefined, thread: number): Direction | undefined {
    return peer?.directions[thread < peer.threads ? thread : 0];
  }

  /**
   * Writes the datagram [start, end) for a thread of a peer to `out`, whose descriptor is at `base` of `words`; it leaves with
   * the next `seal`. There must be room (`hasRoom`).
   *
   * @param question not 0: the peer is asked by this number whether the datagram is authentic
   * @returns undefined, or why it goes nowhere; that is counted
   */
  put(
    worker: number,
    thread: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    words: Int32Array,
    base: number,
    now: TimeUs,
    out: Burst,
    question = 0,
  ): SendDrop | undefined {
    const dropped = this.#put(worker, thread, buffer, start, end, words, base, now, out, question);
    const { counters } = this.#options;
    if (dropped !== undefined) counters.sendDrops[dropped]++;
    else {
      counters.sent.datagrams++;
      counters.sent.bytes += end - start;
    }
    return dropped;
  }

  #put(
    worker: number,
    thread: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    words: Int32Array,
    base: number,
    now: TimeUs,
    out: Burst,
    question: number,
  ): SendDrop | undefined {
    const peer = this.#peers.get(worker);
    if (peer === undefined) return 'no_peer';
    const direction = this.#direction(peer, thread);
    if (direction === undefined || direction.isUsedUp) return 'no_key';
    const family = addressFamily(words, base + D_REMOTE);
    if (addressFamily(words, base + D_LOCAL) !== family) return 'mixed_family';
    const most = peer.mtu - IP_UDP_BYTES[addressFamily(peer.address)] - HEADER_BYTES - TAG_BYTES;
    const first = addressedBytes(family) + (question === 0 ? 0 : QUESTION_BYTES);
    const bytes = end - start;
    const whole = first + bytes <= most;
    if (!whole && (first + bytes + SECOND_BYTES > 2 * most || first + bytes > JOIN_BYTES)) return 'too_large';
    const bucket = sourceBucket(words, base + D_REMOTE, this.#options.seed);
    if (!this.#sourceBudgets.take(bucket, bytes, now)) return 'source_budget';
    if (!this.#peerBudgets.take(peer.index, bytes, now)) return 'rate_cap';
    this.#begin(direction);
    const ecn = ecnOf(words[base + D_ECN] as number);
    if (whole) this.#first(direction, Part.whole, buffer, start, end, words, base, ecn, out, question);
    else {
      // Packets of one size leave as one message.
      const cut = start + Math.ceil((bytes - first + SECOND_BYTES) / 2);
      this.#first(direction, Part.first, buffer, start, cut, words, base, ecn, out, question);
      this.#second(direction, buffer, cut, end, ecn, out);
    }
    return undefined;
  }

  #first(
    direction: Direction,
    part: Part,
    buffer: Uint8Array,
    start: number,
    end: number,
    words: Int32Array,
    base: number,
    ecn: number,
    out: Burst,
    question: number,
  ): void {
    const at = out.used;
    const [remoteAt, localAt] = [base + D_REMOTE, base + D_LOCAL];
    direction.begin(out.buffer, at, this.#options.own);
    const body = writeAddressed(out.buffer, at + HEADER_BYTES, part, ecn, words, remoteAt, localAt, question);
    this.#end(direction, at, body, buffer, start, end, ecn, out);
  }

  /** What is put is sealed with all that waits for this direction. */
  #begin(direction: Direction): void {
    if (!direction.waits) this.#dirty.push(direction);
  }

  /** Whether a thread of a peer can be handed anything: it is known, and there is a key. */
  reaches(worker: number, thread: number): boolean {
    return this.#direction(this.#peers.get(worker), thread)?.isUsedUp === false;
  }

  /** Answers what a thread of a peer asked; there must be room (`hasRoom`). @returns whether it leaves with the next `seal`; that is counted */
  answer(worker: number, thread: number, question: number, answer: Answer, now: TimeUs, out: Burst): boolean {
    const { counters, own } = this.#options;
    const peer = this.#peers.get(worker);
    const direction = this.#direction(peer, thread);
    if (direction?.isUsedUp !== false || !this.#answerBudgets.take((peer as Peer).index, 1, now)) {
      counters.answered.refused++;
      return false;
    }
    this.#begin(direction);
    const at = out.used;
    direction.begin(out.buffer, at, own);
    const end = writeAnswer(out.buffer, at + HEADER_BYTES, question, answer);
    direction.end(at, ANSWER_BYTES);
    out.commit(end + TAG_BYTES - at, 0, direction.address, 0, NO_ADDRESS, 0);
    counters.sent.packets++;
    counters.answered[answer]++;
    return true;
  }

  #second(direction: Direction, buffer: Uint8Array, start: number, end: number, ecn: number, out: Burst): void {
    const at = out.used;
    direction.begin(out.buffer, at, this.#options.own);
    this.#end(direction, at, writeSecond(out.buffer, at + HEADER_BYTES), buffer, start, end, ecn, out);
  }

  #end(
    direction: Direction,
    at: number,
    body: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    ecn: number,
    out: Burst,
  ): void {
    copyBytes(out.buffer, body, buffer, start, end);
    const behind = body + end - start;
    direction.end(at, behind - at - HEADER_BYTES);
    out.commit(behind + TAG_BYTES - at, ecn, direction.address, 0, NO_ADDRESS, 0);
    this.#options.counters.sent.packets++;
  }

  /** Seals all that was put into `out`. @returns whether there was anything */
  seal(out: Burst): boolean {
    const dirty = this.#dirty;
    const { counters } = this.#options;
    for (let i = 0; i < dirty.length; i++) {
      const direction = dirty[i] as Direction;
      direction.seal(out.buffer);
      if (direction.update()) counters.keyUpdates++;
    }
    dirty.length = 0;
    return out.count > 0;
  }

  close(): void {
    for (const worker of [...this.#peers.keys()]) this.removePeer(worker);
  }
}
