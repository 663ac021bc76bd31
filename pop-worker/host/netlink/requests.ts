import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import type { Refusal } from '#protocol/netlink/acknowledgement.ts';
import { type AnswerSink, Exchange, Outcome } from '#protocol/netlink/exchange.ts';
import { Flag, type MessageReader } from '#protocol/netlink/header.ts';
import { KINDS, type Objects } from '#protocol/netlink/kinds.ts';
import type { MessageWriter } from '#protocol/netlink/writer.ts';
import { KernelRefusal, NetlinkOverrun } from './kernel-refusal.ts';
import { DATAGRAM_BYTES, NetlinkSocket, Received } from './socket.ts';

/** Of requests in one datagram: the kernel works on them for about 2 ms, in which the thread waits. */
const MOST_BYTES_AT_ONCE = 32 * 1024;
/** Of a dump, until other work of the thread gets its turn. */
const SLICE_MS = 4;
const MOST_TRIES = 5;

/** Adds a request to a batch. @param flags of `Flag` */
export type Add = <Name extends keyof Objects>(
  kind: Name,
  what: 'added' | 'deleted',
  flags: number,
  object: Objects[Name],
) => void;

/** Told of each request that the kernel refuses, by its number in the batch, from 0. */
export type OnRefused = (refusal: Refusal, request: number) => void;

/** Throws away what waits. */
const drain = (socket: NetlinkSocket, buffer: Uint8Array): void => {
  while (socket.receive(buffer) !== Received.nothing);
};

/**
 * Asks the kernel. Requests are handled while they are sent, so that batches are synchronous: the thread waits as long as
 * the kernel works on them, and longer when another process holds the lock of all network settings.
 */
export class NetlinkRequests {
  readonly #socket: NetlinkSocket;
  /** Of dumps, between whose datagrams there may be batches. */
  readonly #dumps: NetlinkSocket;
  #lastDump: Promise<unknown> = Promise.resolve();
  readonly #exchange = new Exchange();
  readonly #buffer = new Uint8Array(DATAGRAM_BYTES);

  private constructor(socket: NetlinkSocket, dumps: NetlinkSocket) {
    this.#socket = socket;
    this.#dumps = dumps;
  }

  /** In the network namespace of the calling thread. @throws an Error with the errno's name as `code` */
  static open(receiveBufferBytes = 0): NetlinkRequests {
    return new NetlinkRequests(NetlinkSocket.open(receiveBufferBytes), NetlinkSocket.open(receiveBufferBytes));
  }

  /** By which notifications say that we caused them. */
  get port(): number {
    return this.#socket.port;
  }

  /**
   * Sends requests in order. One that is refused does not keep the next ones from being handled.
   *
   * @throws NetlinkOverrun, or NetlinkError of what cannot be written; then some may have been handled
   */
  batch(fill: (add: Add) => void, onRefused: OnRefused): void {
    const exchange = this.#exchange;
    let before = 0;
    const sink: AnswerSink = { refused: (refusal, request) => onRefused(refusal, before + request) };
    const commit = (): void => {
      const { count } = exchange;
      if (count === 0) return;
      this.#socket.send(exchange.finish());
      this.#finish();
      before += count;
    };
    exchange.begin(sink);
    fill((kind, what, flags, object) => {
      if (exchange.bytes > MOST_BYTES_AT_ONCE) {
        commit();
        exchange.begin(sink);
      }
      const { types, write } = KINDS[kind];
      exchange.add(types[what], flags, (writer) => write(writer, object));
    });
    commit();
  }

  /** One request. @throws KernelRefusal */
  one<Name extends keyof Objects>(kind: Name, what: 'added' | 'deleted', flags: number, object: Objects[Name]): void {
    this.batch(
      (add) => add(kind, what, flags, object),
      (refusal) => {
        throw new KernelRefusal(`a ${kind}`, refusal);
      },
    );
  }

  /** The one object that is like this, e.g. the link of a name. @throws KernelRefusal, as when there is none */
  get<Name extends keyof Objects>(kind: Name, like: Objects[Name]): Objects[Name] {
    const { types, read, write } = KINDS[kind];
    let found: Objects[Name] | undefined;
    this.#exchange.begin({
      message: ({ type, bytes, at, end }) => {
        if (type === types.added) found = read(bytes, at, end);
      },
      refused: (refusal) => {
        throw new KernelRefusal(`to tell of a ${kind}`, refusal);
      },
    });
    this.#exchange.add(types.get, 0, (writer) => write(writer, like));
    this.#socket.send(this.#exchange.finish());
    this.#finish();
    if (found === undefined) throw new NetlinkOverrun();
    return found;
  }

  /**
   * All objects of a kind, or those that a filter lets through. Other work of the thread gets its turn meanwhile.
   *
   * @param begin called before the first one; again when what came so far is to be forgotten since it changed meanwhile
   * @returns false: it changed at each try, and something may be missing
   * @throws KernelRefusal, NetlinkOverrun
   */
  async dump<Name extends keyof Objects>(
    kind: Name,
    filter: Objects[Name],
    begin: () => void,
    each: (object: Objects[Name]) => void,
  ): Promise<boolean> {
    const { types, read, write } = KINDS[kind];
    const message = ({ type, bytes, at, end }: MessageReader): void => {
      if (type === types.added) each(read(bytes, at, end));
    };
    const body = (writer: MessageWriter): void => write(writer, filter);
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      begin();
      const refused = (refusal: Refusal): void => {
        throw new KernelRefusal(`to list each ${kind}`, refusal);
      };
      const dump = this.#lastDump.then(() => this.#dumpOnce(types.get, body, { message, refused }));
      this.#lastDump = dump.catch(() => {});
      if (await dump) return true;
    }
    return false;
  }

  /** @returns whether it is complete */
  async #dumpOnce(type: number, body: (writer: MessageWriter) => void, sink: AnswerSink): Promise<boolean> {
    const exchange = new Exchange();
    const buffer = new Uint8Array(DATAGRAM_BYTES);
    drain(this.#dumps, buffer);
    exchange.begin(sink);
    exchange.add(type, Flag.dump, body);
    this.#dumps.send(exchange.finish());
    for (let since = performance.now(); ; ) {
      const length = this.#dumps.receive(buffer);
      if (length <= 0) throw new NetlinkOverrun();
      const outcome = exchange.handle(buffer, length);
      if (outcome !== undefined) return outcome === Outcome.done;
      if (performance.now() - since < SLICE_MS) continue;
      await setImmediate();
      since = performance.now();
    }
  }

  #finish(): void {
    for (;;) {
      const length = this.#socket.receive(this.#buffer);
      if (length <= 0) {
        drain(this.#socket, this.#buffer);
        throw new NetlinkOverrun();
      }
      if (this.#exchange.handle(this.#buffer, length) !== undefined) return;
    }
  }

  close(): void {
    this.#socket.close();
    this.#dumps.close();
  }
}

/** Asks the kernel something and is done with it, in the network namespace of the calling thread. */
export const withRequests = <Result>(act: (requests: NetlinkRequests) => Result): Result => {
  const requests = NetlinkRequests.open();
  try {
    return act(requests);
  } finally {
    requests.close();
  }
};
