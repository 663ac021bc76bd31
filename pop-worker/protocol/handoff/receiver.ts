import { OpenOutcome, PACKET_WORDS, type PacketOpener, TAG_BYTES } from '#protocol/quic/ports.ts';
import { sameHost } from '../address.ts';
import {
  Burst,
  D_ECN,
  D_LENGTH,
  D_LOCAL,
  D_OFFSET,
  D_REMOTE,
  D_SEGMENT,
  DESCRIPTOR_WORDS,
  ecnOf as ecnOfWord,
  MAX_SEGMENTS,
} from '../burst.ts';
import type { TimeUs } from '../contract.ts';
import { DROP, ecnAfterTunnel } from '../ecn.ts';
import { Budgets } from './budget.ts';
import type { Answer, HandoffCounters } from './counters.ts';
import {
  aheadOf,
  CLEAR_BYTES,
  ecnOf,
  isPacket,
  keyIdOf,
  Part,
  partOf,
  questionOf,
  readAddresses,
  readAnswer,
  SECOND_BYTES,
  threadOf,
  workerOf,
} from './format.ts';
import { Joiner } from './joiner.ts';
import { KEY_TRIALS_PER_SECOND, MAX_PEERS } from './limits.ts';
import { freePlace } from './places.ts';
import type { HandoffCrypto, Place } from './ports.ts';
import { ReplayWindow } from './replay.ts';
import { directionSecret, staticSecret } from './secrets.ts';

export interface ReceivePeer {
  readonly worker: number;
  /** Whose packets come from there, whatever the port. */
  readonly address: Int32Array;
  readonly threads: number;
  /** 32 bytes that both workers are configured with; undefined: keys are set. */
  readonly staticKey: Uint8Array | undefined;
}

export interface ReceiverOptions {
  readonly own: Place;
  readonly crypto: HandoffCrypto;
  readonly counters: HandoffCounters;
  /** In which bursts are received. */
  readonly buffer: Uint8Array;
  /** Where `joinerBytes(headroom)` of the buffer are free. */
  readonly joinAt: number;
  readonly headroom: number;
  /** Messages that a burst holds. */
  readonly messages: number;
  /** A peer answers what it was asked by this number. */
  readonly answered: (worker: number, question: number, answer: Answer) => void;
}

class Key {
  readonly id: number;
  readonly opener: PacketOpener;
  readonly replay = new ReplayWindow();

  constructor(id: number, opener: PacketOpener) {
    this.id = id;
    this.opener = opener;
  }
}

/** What comes from one thread of a peer: two keys at most. */
interface Direction extends Place {
  /** From 1, over all peers. */
  readonly index: number;
  current: Key | undefined;
  previous: Key | undefined;
}

interface Peer extends ReceivePeer {
  /** Its number among the budgets of trials. */
  readonly index: number;
  readonly directions: readonly Direction[];
  /** When anything authentic came from there. */
  heardAt: TimeUs;
}

/** Who asks about a datagram, and by which number. */
export interface Asked extends Place {
  readonly question: number;
}

const CLEAR_SAME_FROM = 1;

/** Opens what other workers handed over, in place, and gives it as it came to them. Nothing is allocated per packet. */
export class HandoffReceiver {
  /** Datagrams that were handed over, after `open`; in the buffer of the bursts. */
  readonly opened: Burst;
  /** …and those of them that their workers ask about, by their places in `asked`. */
  readonly questioned: Burst;
  readonly asked: Asked[] = [];
  readonly #options: ReceiverOptions;
  readonly #peers = new Map<number, Peer>();
  readonly #joiner: Joiner;
  readonly #trials: Budgets;
  readonly #descriptors = new Int32Array(MAX_SEGMENTS * PACKET_WORDS);
  readonly #numbers = new Float64Array(MAX_SEGMENTS);
  /** Directions that there have been. */
  #directions = 0;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    const { buffer, joinAt, headroom, messages } = options;
    this.opened = new Burst(0, messages * MAX_SEGMENTS, buffer);
    this.questioned = new Burst(0, messages * MAX_SEGMENTS, buffer);
    this.#joiner = new Joiner(buffer, joinAt, headroom);
    this.#trials = new Budgets(MAX_PEERS, KEY_TRIALS_PER_SECOND, KEY_TRIALS_PER_SECOND);
  }

  /** Knows a peer from now on, or better; it has no keys then. @throws RangeError when there are `MAX_PEERS` */
  setPeer(peer: ReceivePeer): void {
    const before = this.#peers.get(peer.worker);
    const index = before?.index ?? freePlace(this.#peers.values(), MAX_PEERS);
    const heardAt = before?.heardAt ?? Number.NEGATIVE_INFINITY;
    this.removePeer(peer.worker);
    const { worker } = peer;
    const directions = Array.from({ length: peer.threads }, (_, thread): Direction => {
      return { worker, thread, index: ++this.#directions, current: undefined, previous: undefined };
    });
    this.#peers.set(worker, { ...peer, index, directions, heardAt });
  }

  /** When anything authentic came from a peer. */
  heardAt(worker: number): TimeUs {
    return this.#peers.get(worker)?.heardAt ?? Number.NEGATIVE_INFINITY;
  }

  removePeer(worker: number): void {
    for (const { current, previous } of this.#peers.get(worker)?.directions ?? []) {
      current?.opener.close();
      previous?.opener.close();
    }
    this.#peers.delete(worker);
  }

  /** Takes packets of this key from a peer too, and no more of the one before the last. @param secret 32 bytes */
  setKey(worker: number, keyId: number, secret: Uint8Array): void {
    const peer = this.#peers.get(worker);
    if (peer === undefined) return;
    for (let thread = 0; thread < peer.threads; thread++) {
      this.#rotate(peer.directions[thread] as Direction, this.#keyOf(peer, thread, keyId, secret));
    }
  }

  #keyOf({ worker }: Peer, thread: number, id: number, secret: Uint8Array): Key {
    const { crypto, own } = this.#options;
    return new Key(id, crypto.opener(directionSecret(crypto, secret, { worker, thread }, own)));
  }

  #rotate(direction: Direction, key: Key): void {
    direction.previous?.opener.close();
    direction.previous = direction.current;
    direction.current = key;
  }

  /** Opens a received burst: `opened` has the datagrams then, until the next call. */
  open(burst: Burst, now: TimeUs): void {
    const { opened, questioned, asked } = this;
    const { counters } = this.#options;
    opened.clear();
    questioned.clear();
    asked.length = 0;
    this.#joiner.nextBatch();
    const given = this.#joiner.given;
    for (let i = 0; i < burst.count; i++) {
      const base = i * DESCRIPTOR_WORDS;
      const { words } = burst;
      const start = words[base + D_OFFSET] as number;
      this.#openRun(
        start,
        start + (words[base + D_LENGTH] as number),
        words[base + D_SEGMENT] as number,
        words,
        base,
        now,
      );
    }
    counters.receiveDrops.unjoined += this.#joiner.given - given;
  }

  /** Packets of one size from one address. */
  #openRun(start: number, end: number, segment: number, words: Int32Array, base: number, now: TimeUs): void {
    const { buffer, counters } = this.#options;
    for (let at = start; at < end; ) {
      if (!isPacket(buffer, at, Math.min(at + segment, end), TAG_BYTES)) {
        counters.receiveDrops.malformed++;
        at += segment;
        continue;
      }
      let count = 0;
      const first = at;
      do {
        const word = count++ * PACKET_WORDS;
        this.#descriptors[word] = at;
        this.#descriptors[word + 1] = CLEAR_BYTES;
        this.#descriptors[word + 2] = Math.min(segment, end - at);
        at += segment;
      } while (at < end && count < MAX_SEGMENTS && this.#isSameKey(first, at, Math.min(at + segment, end)));
      this.#openSame(first, count, words, base, now);
    }
  }

  #isSameKey(first: number, at: number, end: number): boolean {
    const { buffer } = this.#options;
    if (!isPacket(buffer, at, end, TAG_BYTES)) return false;
    for (let i = CLEAR_SAME_FROM; i < CLEAR_BYTES; i++) if (buffer[first + i] !== buffer[at + i]) return false;
    return true;
  }

  #openSame(first: number, count: number, words: Int32Array, base: number, now: TimeUs): void {
    const { buffer, counters } = this.#options;
    const peer = this.#peers.get(workerOf(buffer, first));
    const direction = peer?.directions[threadOf(buffer, first)];
    if (peer === undefined || direction === undefined || !sameHost(words, base + D_REMOTE, peer.address, 0)) {
      counters.receiveDrops.unknown_peer += count;
      return;
    }
    const outer = words[base + D_ECN] as number;
    const id = keyIdOf(buffer, first);
    const { current, previous } = direction;
    if (current?.id === id) this.#openBy(current, peer, direction, count, outer, now);
    else if (previous?.id === id) this.#openBy(previous, peer, direction, count, outer, now);
    else if (!this.#tryKey(peer, direction, id, count, outer, now)) {
      counters.receiveDrops.unknown_key += count;
    }
  }

  /** The peer has begun anew, if it says so by a key that opens what it sent. @returns false: no key was tried */
  #tryKey(peer: Peer, direction: Direction, id: number, count: number, outer: number, now: TimeUs): boolean {
    const { crypto } = this.#options;
    if (peer.staticKey === undefined || id <= (direction.current?.id ?? -1)) return false;
    if (!this.#trials.take(peer.index, 1, now)) return false;
    const key = this.#keyOf(peer, direction.thread, id, staticSecret(crypto, peer.staticKey, id));
    if (this.#openBy(key, peer, direction, count, outer, now) > 0) this.#rotate(direction, key);
    else key.opener.close();
    return true;
  }

  /** @returns how many were authentic */
  #openBy(key: Key, peer: Peer, direction: Direction, count: number, outer: number, now: TimeUs): number {
    const { buffer, counters } = this.#options;
    const descriptors = this.#descriptors;
    const authentic = key.opener.open(buffer, descriptors, this.#numbers, count, key.replay.largest);
    let updatedAt = -1;
    for (let i = 0; i < count; i++) {
      const word = i * PACKET_WORDS;
      const outcome = descriptors[word + 3] as number;
      if (outcome < 0) {
        counters.receiveDrops.forged++;
        continue;
      }
      const number = this.#numbers[i] as number;
      if (outcome === OpenOutcome.next && updatedAt < 0) updatedAt = number;
      if (!key.replay.take(number)) {
        counters.receiveDrops.replayed++;
        continue;
      }
      counters.received.packets++;
      peer.heardAt = now;
      const start = (descriptors[word] as number) + (descriptors[word + 1] as number);
      this.#take(direction, number, start, start + (descriptors[word + 2] as number), outer, now);
    }
    if (updatedAt >= 0) {
      key.opener.update(updatedAt);
      counters.keyUpdates++;
    }
    return authentic;
  }

  #take(direction: Direction, number: number, start: number, end: number, outer: number, now: TimeUs): void {
    const { buffer, counters } = this.#options;
    const joiner = this.#joiner;
    const kind = buffer[start] as number;
    const part = partOf(kind);
    if (part === Part.answer) {
      this.#takeAnswer(direction.worker, start, end);
      return;
    }
    const ahead = part === Part.second ? SECOND_BYTES : aheadOf(kind);
    if (part === undefined || end - start <= ahead) {
      counters.receiveDrops.malformed++;
      return;
    }
    if (part === Part.whole) this.#give(direction, start, end, outer, ecnOfWord(outer));
    else {
      const isFirst = part === Part.first;
      const from = isFirst ? start : start + SECOND_BYTES;
      if (!joiner.put(direction.index, number, isFirst, buffer, from, end, ecnOfWord(outer), now)) return;
      // Either part may have met the congestion.
      this.#give(direction, joiner.start, joiner.end, outer, Math.max(joiner.ecn, ecnOfWord(outer)));
    }
  }

  #takeAnswer(worker: number, start: number, end: number): void {
    const { buffer, counters, answered } = this.#options;
    const read = readAnswer(buffer, start, end);
    if (read === undefined) counters.receiveDrops.malformed++;
    else answered(worker, read.question, read.answer);
  }

  /** @param outer the word that tells ECN and time of the packet @param ecn of the packets that the datagram came in */
  #give(from: Place, start: number, end: number, outer: number, ecn: number): void {
    const { buffer, counters } = this.#options;
    const kind = buffer[start] as number;
    const after = ecnAfterTunnel(ecnOf(kind), ecn);
    if (after === DROP) {
      counters.receiveDrops.congested++;
      return;
    }
    const question = questionOf(buffer, start);
    const into = question === 0 ? this.opened : this.questioned;
    const { words } = into;
    if (into.count === into.capacity) {
      counters.receiveDrops.malformed++;
      return;
    }
    if (question !== 0) this.asked.push({ worker: from.worker, thread: from.thread, question });
    const at = start + aheadOf(kind);
    const base = into.count++ * DESCRIPTOR_WORDS;
    words[base + D_OFFSET] = at;
    words[base + D_LENGTH] = end - at;
    words[base + D_SEGMENT] = end - at;
    words[base + D_ECN] = (outer & ~3) | after;
    readAddresses(buffer, start, words, base + D_REMOTE, base + D_LOCAL);
    counters.received.datagrams++;
    counters.received.bytes += end - at;
  }

  close(): void {
    for (const worker of [...this.#peers.keys()]) this.removePeer(worker);
  }
}
