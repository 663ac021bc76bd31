import {
  type Burst,
  D_ECN,
  D_LENGTH,
  D_LOCAL,
  D_OFFSET,
  D_REMOTE,
  D_SEGMENT,
  DESCRIPTOR_WORDS,
  ecnOf,
  waitedUs,
} from '../burst.ts';
import type { Core, TimeUs } from '../contract.ts';
import type { Connection } from './connection.ts';
import { endpointCounters } from './counters.ts';
import { type ConnectOptions, type EndpointOptions, Maker } from './endpoint/maker.ts';
import { Registry } from './endpoint/registry.ts';
import { Replies } from './endpoint/replies.ts';
import { Strangers } from './endpoint/strangers.ts';
import { Tokens } from './endpoint/tokens.ts';
import { WindowBudget } from './streams/window-budget.ts';
import { destinationCidLength, destinationCidStart, isLongHeader } from './wire/packet/header.ts';
import { MAX_CID_BYTES } from './wire/packet/version.ts';

/** Datagrams that are read at most before what programs answered leaves. */
const ANSWER_EVERY = 16;

/**
 * All QUIC connections of one socket: datagrams to connections, strangers to the acceptor, connections with something to
 * send into bursts, in turns. Cost does not grow with the number of connections that are idle.
 */
export class Endpoint implements Core<Burst, Burst> {
  readonly counters = endpointCounters();
  /** What the receive windows of all connections have grown by. */
  readonly windows: WindowBudget;
  readonly #cidBytes: number;
  readonly #registry: Registry;
  readonly #replies: Replies;
  readonly #maker: Maker;
  readonly #strangers: Strangers;
  #now: TimeUs = 0;
  #heardConnection = false;
  #answer: (() => void) | undefined;
  /** What was read lately brought programs to answer. */
  #answers = false;
  /** Datagrams that were read since answers left. */
  #unanswered = 0;

  constructor(options: EndpointOptions) {
    const { config, crypto, random } = options;
    this.#cidBytes = config.cidBytes;
    this.#replies = new Replies(config.repliesPerSecond);
    const tokens = new Tokens(crypto, options.tokenKey, config);
    this.#registry = new Registry(random, this.#replies);
    this.windows = new WindowBudget(config.maxWindowGrowth, () => this.counters.refusedWindows++);
    this.#maker = new Maker(
      options,
      this.#registry,
      tokens,
      this.windows,
      () => this.#now,
      (...of) => this.#onTls(...of),
    );
    const { counters } = this;
    this.#strangers = new Strangers({
      ...{ options, counters, tokens },
      ...{ registry: this.#registry, replies: this.#replies, maker: this.#maker },
    });
  }

  /** Connections that are not yet forgotten, closing ones included. */
  get connections(): number {
    return this.#registry.size;
  }

  get handshakes(): number {
    return this.#registry.handshakes;
  }

  /** Opens a connection as a client. Its first packet leaves at the next `poll`. */
  connect(options: ConnectOptions, now: TimeUs): Connection {
    this.#now = now;
    return this.#maker.connect(options, now);
  }

  /** Some of the burst that was handled last was for a connection. */
  get heardConnection(): boolean {
    return this.#heardConnection;
  }

  /**
   * A received burst; its bytes are changed in place.
   *
   * @param answer is called while more is to be read, once programs have answered some of it: whoever sends then gives the
   *   peer something to do meanwhile. It may call `poll`.
   */
  handle(burst: Burst, now: TimeUs, answer?: () => void): void {
    this.#now = now;
    this.#heardConnection = false;
    this.#answer = answer;
    this.#unanswered = 0;
    for (let i = 0; i < burst.count; i++) this.#handleDescriptor(burst, i, false, now);
  }

  /**
   * Where strangers wait (`backlogDatagrams`): takes up what the first of them sent.
   *
   * @returns false: nobody waits
   */
  admit(now: TimeUs): boolean {
    this.#now = now;
    const first = this.#strangers.next();
    if (first === undefined) return false;
    this.#handleDescriptor(first.burst, first.index, true, now);
    return true;
  }

  /** Datagrams of strangers wait for `admit`. */
  get strangersWait(): boolean {
    return this.#strangers.areWaiting;
  }

  /** @param hasWaited it comes from `admit` */
  #handleDescriptor({ words, buffer }: Burst, index: number, hasWaited: boolean, now: TimeUs): void {
    const base = index * DESCRIPTOR_WORDS;
    const start = words[base + D_OFFSET] as number;
    const end = start + (words[base + D_LENGTH] as number);
    this.#handleRun(buffer, start, end, words[base + D_SEGMENT] as number, words, base, hasWaited, now);
  }

  /** Datagrams of one size from one address; mostly, but not always, for one connection. */
  #handleRun(
    buffer: Uint8Array,
    start: number,
    end: number,
    segment: number,
    words: Int32Array,
    base: number,
    hasWaited: boolean,
    now: TimeUs,
  ): void {
    const ecn = ecnOf(words[base + D_ECN] as number);
    // What ACKs tell of a path depends on when they came, not on when this thread had time for them.
    const came = now - waitedUs(words[base + D_ECN] as number);
    let at = start;
    while (at < end) {
      const runEnd = this.#runEnd(buffer, at, end, segment);
      // Cut only where programs answer: bulk data is cheapest in whole runs.
      const next = this.#answers ? Math.min(runEnd, at + ANSWER_EVERY * segment) : runEnd;
      const connection = this.#connectionOf(buffer, at, Math.min(at + segment, end));
      if (connection === undefined)
        this.#strangers.receive(buffer, at, next, segment, ecn, words, base, hasWaited, now);
      else {
        this.#count(next - at, segment);
        this.#heardConnection = true;
        connection.receive(buffer, at, next, segment, ecn, words, base + D_REMOTE, words, base + D_LOCAL, came);
        this.#registry.wake(connection);
        this.#letAnswer(Math.ceil((next - at) / segment));
      }
      at = next;
    }
  }

  /** @param datagrams that were read since this was called last */
  #letAnswer(datagrams: number): void {
    const { answered } = this.#registry;
    this.#registry.answered = false;
    // A few datagrams that nobody answers say nothing: ACKs come between requests.
    if (answered || datagrams >= ANSWER_EVERY) this.#answers = answered;
    this.#unanswered += datagrams;
    if (!answered || this.#unanswered < ANSWER_EVERY) return;
    this.#unanswered = 0;
    this.#answer?.();
  }

  #count(bytes: number, segment: number): void {
    this.counters.datagramsReceived += Math.ceil(bytes / segment);
    this.counters.bytesReceived += bytes;
  }

  /** Where the run of short header packets with the same connection ID ends; long ones go singly. */
  #runEnd(buffer: Uint8Array, start: number, end: number, segment: number): number {
    if (isLongHeader(buffer, start)) return Math.min(start + segment, end);
    const cidBytes = this.#cidBytes;
    let at = start + segment;
    while (at + cidBytes < end && !isLongHeader(buffer, at)) {
      for (let i = 1; i <= cidBytes; i++) if (buffer[start + i] !== buffer[at + i]) return at;
      at += segment;
    }
    return Math.min(at, end);
  }

  #connectionOf(buffer: Uint8Array, start: number, end: number): Connection | undefined {
    const length = destinationCidLength(buffer, start, end, this.#cidBytes);
    if (length <= 0 || length > MAX_CID_BYTES) return undefined;
    return this.#registry.byCid.get(buffer, destinationCidStart(buffer, start), length);
  }

  /**
   * Lets deadlines that passed take effect, then writes what connections have to send, in turns.
   *
   * @returns `true` when something was written: send it, and ask again
   */
  poll(now: TimeUs, out: Burst): boolean {
    this.#now = now;
    const before = out.count;
    const used = out.used;
    if (this.#replies.pending) this.#replies.flush(out);
    this.#registry.expire(now);
    this.#registry.poll(now, out);
    return out.count > before || out.used > used;
  }

  /** When to `poll` again if nothing arrives before; in the past while something waits to be sent. */
  deadline(): TimeUs {
    return this.#replies.pending ? this.#now : this.#registry.deadline(this.#now);
  }

  #onTls(connection: Connection, now: TimeUs): void {
    this.#now = now;
    connection.onTls(now);
    this.#registry.wake(connection);
  }

  /** Called when a connection has something to send and none had before; also from inside `handle` and `poll`. */
  set onWake(callback: (() => void) | undefined) {
    this.#registry.onWake = callback;
  }

  /** Called when a connection is over and `forEach` has it no more: for what is to be kept of its counters. */
  set onForgotten(callback: ((connection: Connection) => void) | undefined) {
    this.#registry.onForgotten = callback;
  }

  /** Every connection; for shutdown and metrics. */
  forEach(each: (connection: Connection) => void): void {
    this.#registry.forEach(each);
  }
}
