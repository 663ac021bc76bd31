import { randomInt } from 'node:crypto';
import { nowUs } from '#host/clock/clock.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { opensslHandoffCrypto } from '#host/tls/handoff-crypto.ts';
import { addressOf } from '#host/udp/address.ts';
import { Burst, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import { type Answer, handoffCounters } from '#protocol/handoff/counters.ts';
import { joinerBytes } from '#protocol/handoff/joiner.ts';
import { SILENCE_US } from '#protocol/handoff/limits.ts';
import { HandoffReceiver } from '#protocol/handoff/receiver.ts';
import { staticSecret } from '#protocol/handoff/secrets.ts';
import { HandoffSender } from '#protocol/handoff/sender.ts';
import { isLongHeader } from '#protocol/quic/wire/packet/header.ts';
import { ROUTABLE_CID_BYTES } from '../exchange/cids.ts';
import type { DatagramPort } from '../quic-driver.ts';
import { ClientChosen } from './client-chosen.ts';
import { Doubtful } from './doubtful.ts';
import { type Handed, UNASKED } from './handed.ts';
import { Heard } from './heard.ts';
import type { HandoffPeer, HandoffSetup, Liveness } from './setup.ts';

/** What the thread does with datagrams that were handed over. */
export interface HandedWork {
  /** @param handed undefined: nobody handed them over, they are to be handled as if they had come now */
  datagrams(burst: Burst, handed: Handed | undefined): void;
  /** A worker says what it was asked by this number. */
  answered(worker: number, question: number, answer: Answer): void;
  /** A turn is over: what was gathered and queued meanwhile is to leave. */
  turnOver(): void;
  fault(error: unknown): void;
}

const MESSAGE_BYTES = 65_536;
const RECEIVE_MESSAGES = 4;
const SEND_BYTES = 4 * MESSAGE_BYTES;
const SEND_DESCRIPTORS = 256;
/** Bursts received before other work of the thread gets its turn. */
const MAX_ROUNDS = 16;

interface Peer {
  readonly resetKey: Uint8Array | undefined;
  readonly answers: boolean;
  liveness: Liveness;
}

/** A thread's part in handing packets to the worker that has their connection: a socket, and what is known of the others. */
export class Handoff {
  readonly counters = handoffCounters();
  readonly #setup: HandoffSetup;
  readonly #socket: DatagramPort;
  readonly #work: HandedWork;
  readonly #sender: HandoffSender;
  readonly #receiver: HandoffReceiver;
  readonly #clientChosen = new ClientChosen(opensslCrypto);
  readonly #doubtful = new Doubtful();
  readonly #peers = new Map<number, Peer>();
  readonly #out = new Burst(SEND_BYTES, SEND_DESCRIPTORS);
  readonly #in: Burst;
  /** A datagram that its worker asks about. */
  readonly #one: Burst;
  readonly #heard: Heard | undefined;
  readonly #headroom: number;
  /** What is handled now was handed to us. */
  #isHanded = false;
  /** Whether this worker hears most of the others: what is dead to it is dead. */
  isInMajority = false;

  /** @param thread index of this thread @param headroom bytes left free in front of each datagram */
  constructor(setup: HandoffSetup, thread: number, socket: DatagramPort, headroom: number, work: HandedWork) {
    this.#setup = setup;
    this.#socket = socket;
    this.#work = work;
    this.#headroom = headroom;
    const { worker, peers, peerBytesPerSecond, sourceBytesPerSecond } = setup;
    const joinAt = headroom + RECEIVE_MESSAGES * MESSAGE_BYTES;
    this.#in = new Burst(joinAt + joinerBytes(headroom), RECEIVE_MESSAGES);
    const common = { own: { worker, thread }, crypto: opensslHandoffCrypto, counters: this.counters };
    const seed = randomInt(2 ** 31);
    this.#sender = new HandoffSender({ ...common, seed, peerBytesPerSecond, sourceBytesPerSecond });
    const { buffer } = this.#in;
    this.#one = new Burst(0, 1, buffer);
    this.#heard = setup.heard && new Heard(setup.heard);
    this.#receiver = new HandoffReceiver({
      ...{ ...common, buffer, joinAt, headroom, messages: RECEIVE_MESSAGES },
      answered: (...answer) => work.answered(...answer),
    });
    for (const peer of peers) this.setPeer(peer);
    socket.onReadable(() => this.#receive());
  }

  /** Knows another worker from now on, or knows better where it is. It lives until the contrary is said. */
  setPeer({ worker, address, port, threads, mtu, staticKey, resetKey, answers }: HandoffPeer): void {
    this.flush();
    const to = { worker, address: addressOf(address, port), threads };
    this.#sender.setPeer({ ...to, mtu });
    this.#receiver.setPeer({ ...to, staticKey });
    const liveness = this.#peers.get(worker)?.liveness ?? 'alive';
    this.#peers.set(worker, { resetKey, answers, liveness });
    if (staticKey === undefined) return;
    const { epoch } = this.#setup;
    this.#sender.setKey(worker, epoch, staticSecret(opensslHandoffCrypto, staticKey, epoch));
  }

  removePeer(worker: number): void {
    this.flush();
    this.#sender.removePeer(worker);
    this.#receiver.removePeer(worker);
    this.#peers.delete(worker);
  }

  /** Of a new connection to the worker. @param secret 32 bytes of its exporter @param keyId the same at both ends */
  setKey(worker: number, keyId: number, secret: Uint8Array): void {
    this.flush();
    this.#receiver.setKey(worker, keyId, secret);
    this.#sender.setKey(worker, keyId, secret);
  }

  setLiveness(worker: number, liveness: Liveness): void {
    const peer = this.#peers.get(worker);
    if (peer === undefined) return;
    const dies = liveness === 'dead' && peer.liveness !== 'dead';
    peer.liveness = liveness;
    if (!dies || !this.#resets(peer)) return;
    const burst = this.#doubtful.take(worker, ROUTABLE_CID_BYTES, this.#headroom, nowUs());
    if (burst.count === 0) return;
    this.#work.datagrams(burst, undefined);
    this.#work.turnOver();
  }

  /**
   * A datagram of no connection of this worker, whose connection ID reads like that of another one.
   *
   * @returns false: it is to be handled here all the same
   */
  stray(
    worker: number,
    thread: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    cidBytes: number,
    words: Int32Array,
    base: number,
  ): boolean {
    const { sendDrops } = this.counters;
    if (this.#clientChosen.test(buffer, start, end, cidBytes)) return false;
    if (this.#isSecondHop()) return true;
    const peer = this.#peers.get(worker);
    if (peer?.liveness === 'dead') {
      if (!isLongHeader(buffer, start) && this.#resets(peer)) return false;
      sendDrops.dead++;
      return true;
    }
    const now = nowUs();
    this.#doubtful.note(worker, buffer, start, end, cidBytes, words, base, now);
    this.#put(worker, thread, buffer, start, end, words, base, now);
    return true;
  }

  /**
   * A datagram of a session that another worker has, whatever its protocol.
   *
   * @param question not 0: that worker is to answer by this number whether it was authentic (`asks` says whether it does)
   * @returns false: it stays here, and is of nobody
   */
  pass(
    worker: number,
    thread: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    words: Int32Array,
    base: number,
    question: number,
  ): boolean {
    if (this.#isSecondHop()) return false;
    if (this.isDead(worker)) {
      this.counters.sendDrops.dead++;
      return false;
    }
    return this.#put(worker, thread, buffer, start, end, words, base, nowUs(), question);
  }

  /** Whether a thread of a worker can be asked about what it is handed: it lives, for all that is known, and knows what that is. */
  asks(worker: number, thread: number): boolean {
    const peer = this.#peers.get(worker);
    return peer?.answers === true && peer.liveness !== 'dead' && this.#sender.reaches(worker, thread);
  }

  /** Whether a majority has lost a worker. */
  isDead(worker: number): boolean {
    return this.#peers.get(worker)?.liveness === 'dead';
  }

  /** When a worker that says nothing more has been silent for so long that this means something. */
  silentFrom(worker: number): number {
    return Math.max(this.#receiver.heardAt(worker) + SILENCE_US, this.#heard?.silentFrom(worker, nowUs()) ?? 0);
  }

  /** Answers what was asked with a datagram. */
  answer({ worker, thread, question }: Handed, answer: Answer): void {
    if (!this.#sender.hasRoom(worker, thread, 0, this.#out)) this.flush();
    this.#sender.answer(worker, thread, question, answer, nowUs(), this.#out);
  }

  /** Hop count 1: what was handed to us goes no further. */
  #isSecondHop(): boolean {
    if (this.#isHanded) this.counters.sendDrops.second_hop++;
    return this.#isHanded;
  }

  /** @returns false: there was no way there */
  #put(
    worker: number,
    thread: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    words: Int32Array,
    base: number,
    now: number,
    question = 0,
  ): boolean {
    if (!this.#sender.hasRoom(worker, thread, end - start, this.#out)) this.flush();
    return this.#sender.put(worker, thread, buffer, start, end, words, base, now, this.#out, question) === undefined;
  }

  #resets({ resetKey }: Peer): boolean {
    return this.isInMajority && resetKey !== undefined;
  }

  /** The key of a stateless reset for a packet of that worker's; undefined: none may be sent. */
  resetKeyOf(worker: number): Uint8Array | undefined {
    const peer = this.#peers.get(worker);
    if (peer?.liveness !== 'dead' || !this.#resets(peer)) return undefined;
    this.counters.resets++;
    return peer.resetKey;
  }

  /** Everything that was handed over leaves; what the socket does not take is lost. */
  flush(): void {
    const out = this.#out;
    if (out.count === 0) return;
    this.#sender.seal(out);
    const sent = this.#socket.send(out, 0);
    this.counters.sendDrops.not_sent += out.count - sent;
    out.clear();
  }

  #receive(): void {
    const burst = this.#in;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      burst.clear();
      burst.used = this.#headroom;
      if (this.#socket.receive(burst) === 0) return;
      this.#isHanded = true;
      try {
        this.#receiver.open(burst, nowUs());
        this.#asked();
        this.#work.datagrams(this.#receiver.opened, UNASKED);
      } catch (error) {
        this.#work.fault(error);
      }
      this.#isHanded = false;
      this.#work.turnOver();
    }
  }

  /** One by one: each is answered by itself. */
  #asked(): void {
    const { questioned, asked } = this.#receiver;
    for (const [i, handed] of asked.entries()) {
      this.#one.words.set(questioned.words.subarray(i * DESCRIPTOR_WORDS, (i + 1) * DESCRIPTOR_WORDS));
      this.#one.count = 1;
      this.#work.datagrams(this.#one, handed);
    }
  }

  close(): void {
    this.#socket.close();
    this.#sender.close();
    this.#receiver.close();
  }
}
