import { type Burst, D_ECN, D_LENGTH, D_LOCAL, D_OFFSET, D_REMOTE, D_SEGMENT, DESCRIPTOR_WORDS } from '../burst.ts';
import type { Core, TimeUs } from '../contract.ts';
import type { ConnectionSink } from './api.ts';
import type { Connection } from './connection.ts';
import { endpointCounters } from './counters.ts';
import { Acceptor, type Admission } from './endpoint/acceptor.ts';
import { Backlog } from './endpoint/backlog.ts';
import { FirstPacket } from './endpoint/first-packet.ts';
import { type ConnectOptions, type EndpointOptions, Maker } from './endpoint/maker.ts';
import { Registry } from './endpoint/registry.ts';
import { Replies } from './endpoint/replies.ts';
import { type Addresses, Stateless } from './endpoint/stateless.ts';
import { Tokens } from './endpoint/tokens.ts';
import { WindowBudget } from './streams/window-budget.ts';
import {
  destinationCidLength,
  destinationCidStart,
  isLongHeader,
  PacketHeader,
  parseHeader,
} from './wire/packet/header.ts';
import { PacketType } from './wire/packet/packet-type.ts';
import { MAX_CID_BYTES } from './wire/packet/version.ts';

/** RFC 9000 §10.3: datagrams that are shorter are no QUIC packets. */
const MIN_DATAGRAM_BYTES = 21;

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
  readonly #options: EndpointOptions;
  readonly #cidBytes: number;
  readonly #registry: Registry;
  readonly #replies: Replies;
  readonly #stateless: Stateless;
  readonly #acceptor: Acceptor;
  readonly #maker: Maker;
  readonly #firstPacket: FirstPacket;
  /** Undefined: strangers do not wait. */
  readonly #backlog: Backlog | undefined;
  readonly #header = new PacketHeader();
  #now: TimeUs = 0;
  #heardConnection = false;
  #answer: (() => void) | undefined;
  /** What was read lately brought programs to answer. */
  #answers = false;
  /** Datagrams that were read since answers left. */
  #unanswered = 0;

  constructor(options: EndpointOptions) {
    const { config, crypto, random, quic } = options;
    const { versions } = quic;
    this.#options = options;
    this.#cidBytes = config.cidBytes;
    this.#replies = new Replies(config.repliesPerSecond);
    this.#stateless = new Stateless({ crypto, random, versions, replies: this.#replies, counters: this.counters });
    this.#firstPacket = new FirstPacket(crypto);
    this.#backlog = config.backlogDatagrams > 0 ? new Backlog(config.backlogDatagrams) : undefined;
    const tokens = new Tokens(crypto, options.tokenKey, config);
    this.#registry = new Registry(random);
    this.windows = new WindowBudget(config.maxWindowGrowth, () => this.counters.refusedWindows++);
    this.#maker = new Maker(
      options,
      this.#registry,
      tokens,
      this.windows,
      () => this.#now,
      (...of) => this.#onTls(...of),
    );
    const generateCid = () => this.#maker.generateCid();
    this.#acceptor = new Acceptor({
      config,
      versions,
      counters: this.counters,
      stateless: this.#stateless,
      tokens,
      generateCid,
      load: options.tls.load ?? (() => 0),
      isFlooded: () => this.#backlog?.isLong === true,
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
    for (let i = 0; i < burst.count; i++) this.#handleDescriptor(burst, i, this.#backlog, now);
  }

  /**
   * Where strangers wait (`backlogDatagrams`): takes up what the first of them sent.
   *
   * @returns false: nobody waits
   */
  admit(now: TimeUs): boolean {
    this.#now = now;
    const first = this.#backlog?.take();
    if (first === undefined) return false;
    this.#handleDescriptor(first.burst, first.index, undefined, now);
    return true;
  }

  /** Datagrams of strangers wait for `admit`. */
  get strangersWait(): boolean {
    return this.#backlog?.isEmpty === false;
  }

  /** @param backlog where strangers' datagrams go; undefined: they have waited, or need not */
  #handleDescriptor({ words, buffer }: Burst, index: number, backlog: Backlog | undefined, now: TimeUs): void {
    const base = index * DESCRIPTOR_WORDS;
    const start = words[base + D_OFFSET] as number;
    const end = start + (words[base + D_LENGTH] as number);
    this.#handleRun(buffer, start, end, words[base + D_SEGMENT] as number, words, base, backlog, now);
  }

  /** Datagrams of one size from one address; mostly, but not always, for one connection. */
  #handleRun(
    buffer: Uint8Array,
    start: number,
    end: number,
    segment: number,
    words: Int32Array,
    base: number,
    backlog: Backlog | undefined,
    now: TimeUs,
  ): void {
    const ecn = words[base + D_ECN] as number;
    let at = start;
    while (at < end) {
      const runEnd = this.#runEnd(buffer, at, end, segment);
      // Cut only where programs answer: bulk data is cheapest in whole runs.
      const next = this.#answers ? Math.min(runEnd, at + ANSWER_EVERY * segment) : runEnd;
      const connection = this.#connectionOf(buffer, at, Math.min(at + segment, end));
      if (connection === undefined) this.#handleStranger(buffer, at, next, segment, ecn, words, base, backlog, now);
      else {
        this.#count(next - at, segment);
        this.#heardConnection = true;
        connection.receive(buffer, at, next, segment, ecn, words, base + D_REMOTE, words, base + D_LOCAL, now);
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

  /** Datagrams for no connection that we know. */
  #handleStranger(
    buffer: Uint8Array,
    start: number,
    end: number,
    segment: number,
    ecn: number,
    words: Int32Array,
    base: number,
    backlog: Backlog | undefined,
    now: TimeUs,
  ): void {
    const from: Addresses = { words, remoteAt: base + D_REMOTE, localAt: base + D_LOCAL };
    for (let at = start; at < end; at += segment) {
      const next = Math.min(end, at + segment);
      // What waited was looked at before.
      const fresh = backlog !== undefined || this.#backlog === undefined;
      if (fresh) this.#count(next - at, segment);
      if (next - at < MIN_DATAGRAM_BYTES) this.counters.droppedTooShort++;
      else if (fresh && this.#strays(buffer, at, next, words, base)) continue;
      else if (backlog !== undefined) this.#wait(backlog, buffer, at, next, words, base);
      else if (isLongHeader(buffer, at)) this.#handleLong(buffer, at, next, ecn, from, now);
      else this.#handleShort(buffer, at, next, from, now);
    }
  }

  #wait(backlog: Backlog, buffer: Uint8Array, start: number, end: number, words: Int32Array, base: number): void {
    const header = this.#header;
    const { greaseQuicBit } = this.#options.quic;
    const returns =
      isLongHeader(buffer, start) &&
      parseHeader(buffer, start, end, this.#cidBytes, header, greaseQuicBit) &&
      header.type === PacketType.initial &&
      header.tokenLength > 0;
    if (!backlog.push(returns, buffer, start, end, words, base)) this.counters.droppedBacklog++;
  }

  #strays(buffer: Uint8Array, start: number, end: number, words: Int32Array, base: number): boolean {
    const { stray } = this.#options;
    if (stray === undefined) return false;
    const cidBytes = destinationCidLength(buffer, start, end, this.#cidBytes);
    return cidBytes > 0 && stray(buffer, start, end, destinationCidStart(buffer, start), cidBytes, words, base);
  }

  #handleLong(buffer: Uint8Array, start: number, end: number, ecn: number, from: Addresses, now: TimeUs): void {
    const { accept, quic, onFault } = this.#options;
    if (!parseHeader(buffer, start, end, this.#cidBytes, this.#header, quic.greaseQuicBit)) {
      this.counters.droppedMalformed++;
      return;
    }
    if (accept === undefined) {
      this.counters.droppedUnknown++;
      return;
    }
    const { size, handshakes } = this.#registry;
    const admission = this.#acceptor.admit(buffer, this.#header, end - start, size, handshakes, from, now);
    if (admission === undefined) return;
    // What is not authentic must not leave anything behind.
    if (!this.#firstPacket.isAuthentic(buffer, this.#header, admission.keyCid)) {
      this.counters.droppedForged++;
      return;
    }
    try {
      this.#accept(admission, accept, buffer, start, end, ecn, from, now);
    } catch (error) {
      if (onFault === undefined) throw error;
      onFault(error);
    }
  }

  #accept(
    admission: Admission,
    accept: (admission: Admission) => ConnectionSink | undefined,
    buffer: Uint8Array,
    start: number,
    end: number,
    ecn: number,
    from: Addresses,
    now: TimeUs,
  ): void {
    const sink = accept(admission);
    if (sink === undefined) {
      this.counters.refusedByApplication++;
      this.#stateless.refuse(buffer, this.#header, 0x02, from, now);
      return;
    }
    const connection = this.#maker.accept(admission, sink, from, end - start, now);
    connection.receive(buffer, start, end, end - start, ecn, from.words, from.remoteAt, from.words, from.localAt, now);
    // Nor may what cannot be read.
    if (connection.parts.counters.packetsReceived === 0) this.#registry.remove(connection);
    else this.counters.accepted++;
  }

  /** RFC 9000 §10.3: maybe the peer's reset, maybe a packet of a connection that we have lost. */
  #handleShort(buffer: Uint8Array, start: number, end: number, from: Addresses, now: TimeUs): void {
    const { words, remoteAt } = from;
    const connection = this.#registry.findReset(words, remoteAt, buffer, start, end);
    if (connection !== undefined) {
      connection.onReset(now);
      this.#registry.wake(connection);
      return;
    }
    this.counters.droppedUnknown++;
    const { resetKey } = this.#options;
    const cid = buffer.subarray(start + 1, start + 1 + this.#cidBytes);
    if (resetKey !== undefined) this.#stateless.reset(resetKey, cid, end - start, from, now);
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
