import { D_LOCAL, D_REMOTE } from '../../burst.ts';
import type { TimeUs } from '../../contract.ts';
import type { ConnectionSink } from '../api.ts';
import type { EndpointCounters } from '../counters.ts';
import type { InitialKeys } from '../keys.ts';
import {
  destinationCidLength,
  destinationCidStart,
  isLongHeader,
  PacketHeader,
  parseHeader,
} from '../wire/packet/header.ts';
import { PacketType } from '../wire/packet/packet-type.ts';
import { MAX_CID_BYTES } from '../wire/packet/version.ts';
import { Acceptor, type Admission } from './acceptor.ts';
import { Backlog, type Waiting } from './backlog.ts';
import { FirstPacket } from './first-packet.ts';
import type { EndpointOptions, Maker } from './maker.ts';
import type { Registry } from './registry.ts';
import type { Replies } from './replies.ts';
import { type Addresses, Stateless } from './stateless.ts';
import type { Tokens } from './tokens.ts';

/** RFC 9000 §10.3: datagrams that are shorter are no QUIC packets. */
const MIN_DATAGRAM_BYTES = 21;

interface StrangersParts {
  readonly options: EndpointOptions;
  readonly counters: EndpointCounters;
  readonly registry: Registry;
  readonly replies: Replies;
  readonly tokens: Tokens;
  readonly maker: Maker;
}

/** Datagrams for no connection of an endpoint: they wait, begin a connection, or are answered without any state. */
export class Strangers {
  readonly #options: EndpointOptions;
  readonly #cidBytes: number;
  readonly #counters: EndpointCounters;
  readonly #registry: Registry;
  readonly #maker: Maker;
  readonly #stateless: Stateless;
  readonly #acceptor: Acceptor;
  readonly #firstPacket: FirstPacket;
  /** Undefined: strangers do not wait. */
  readonly #backlog: Backlog | undefined;
  readonly #header = new PacketHeader();

  constructor({ options, counters, registry, replies, tokens, maker }: StrangersParts) {
    const { config, crypto, random, quic, tls } = options;
    const { versions } = quic;
    this.#options = options;
    this.#cidBytes = config.cidBytes;
    this.#counters = counters;
    this.#registry = registry;
    this.#maker = maker;
    this.#stateless = new Stateless({ crypto, random, versions, replies, counters });
    this.#firstPacket = new FirstPacket(crypto);
    this.#backlog = config.backlogDatagrams > 0 ? new Backlog(config.backlogDatagrams) : undefined;
    this.#acceptor = new Acceptor({
      config,
      versions,
      counters,
      stateless: this.#stateless,
      tokens,
      generateCid: () => maker.generateCid(),
      load: tls.load ?? (() => 0),
      isFlooded: () => this.#backlog?.isLong === true,
    });
  }

  /** Some wait for `next`. */
  get areWaiting(): boolean {
    return this.#backlog?.isEmpty === false;
  }

  /** The one that has waited longest; undefined: nobody waits. */
  next(): Waiting | undefined {
    return this.#backlog?.take();
  }

  /**
   * Datagrams of one size from one address.
   *
   * @param hasWaited they come from `next`
   */
  receive(
    buffer: Uint8Array,
    start: number,
    end: number,
    segment: number,
    ecn: number,
    words: Int32Array,
    base: number,
    hasWaited: boolean,
    now: TimeUs,
  ): void {
    const from: Addresses = { words, remoteAt: base + D_REMOTE, localAt: base + D_LOCAL };
    if (this.#isOver(buffer, start, end, segment, from, now)) return;
    for (let at = start; at < end; at += segment) {
      const next = Math.min(end, at + segment);
      if (!hasWaited) this.#count(next - at, segment);
      if (next - at < MIN_DATAGRAM_BYTES) this.#counters.droppedTooShort++;
      else if (!hasWaited && this.#strays(buffer, at, next, words, base)) continue;
      else if (!hasWaited && this.#backlog !== undefined) this.#wait(this.#backlog, buffer, at, next, words, base);
      else if (isLongHeader(buffer, at)) this.#handleLong(buffer, at, next, ecn, from, now);
      else this.#handleShort(buffer, at, next, from, now);
    }
  }

  #count(bytes: number, segment: number): void {
    this.#counters.datagramsReceived += Math.ceil(bytes / segment);
    this.#counters.bytesReceived += bytes;
  }

  /** Datagrams for a connection that is over: they are counted here, and answered if need be. */
  #isOver(buffer: Uint8Array, start: number, end: number, segment: number, from: Addresses, now: TimeUs): boolean {
    const cidBytes = destinationCidLength(buffer, start, Math.min(start + segment, end), this.#cidBytes);
    if (cidBytes <= 0 || cidBytes > MAX_CID_BYTES) return false;
    const cidAt = destinationCidStart(buffer, start);
    const datagrams = Math.ceil((end - start) / segment);
    if (!this.#registry.ended.receive(buffer, cidAt, cidBytes, datagrams, end - start, from, now)) return false;
    this.#count(end - start, segment);
    this.#counters.droppedClosed += datagrams;
    return true;
  }

  #wait(backlog: Backlog, buffer: Uint8Array, start: number, end: number, words: Int32Array, base: number): void {
    const header = this.#header;
    const { greaseQuicBit } = this.#options.quic;
    const returns =
      isLongHeader(buffer, start) &&
      parseHeader(buffer, start, end, this.#cidBytes, header, greaseQuicBit) &&
      header.type === PacketType.initial &&
      header.tokenLength > 0;
    if (!backlog.push(returns, buffer, start, end, words, base)) this.#counters.droppedBacklog++;
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
      this.#counters.droppedMalformed++;
      return;
    }
    if (accept === undefined) {
      this.#counters.droppedUnknown++;
      return;
    }
    const { size, handshakes } = this.#registry;
    const admission = this.#acceptor.admit(buffer, this.#header, end - start, size, handshakes, from, now);
    if (admission === undefined) return;
    // What is not authentic must not leave anything behind.
    const keys = this.#firstPacket.keysOf(buffer, this.#header, admission.keyCid);
    if (keys === undefined) {
      this.#counters.droppedForged++;
      return;
    }
    try {
      this.#accept(admission, keys, accept, buffer, start, end, ecn, from, now);
    } catch (error) {
      if (onFault === undefined) throw error;
      onFault(error);
    }
  }

  #accept(
    admission: Admission,
    keys: InitialKeys,
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
      keys.opener.close();
      this.#counters.refusedByApplication++;
      this.#stateless.refuse(buffer, this.#header, 0x02, from, now);
      return;
    }
    const connection = this.#maker.accept(admission, keys, sink, from, end - start, now);
    connection.receive(buffer, start, end, end - start, ecn, from.words, from.remoteAt, from.words, from.localAt, now);
    // Nor may what cannot be read.
    if (connection.parts.counters.packetsReceived === 0) this.#registry.remove(connection);
    else this.#counters.accepted++;
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
    this.#counters.droppedUnknown++;
    const { resetKey, resetKeyOf } = this.#options;
    const cid = buffer.subarray(start + 1, start + 1 + this.#cidBytes);
    const key = resetKeyOf === undefined ? resetKey : resetKeyOf(cid);
    if (key !== undefined) this.#stateless.reset(key, cid, end - start, from, now);
  }
}
