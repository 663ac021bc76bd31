import { Exchange, Outcome } from '#protocol/netlink/exchange.ts';
import { CONTROLLER, readFamilyId, writeGetFamily } from '#protocol/netlink/generic.ts';
import { Flag } from '#protocol/netlink/header.ts';
import type { MessageWriter } from '#protocol/netlink/writer.ts';
import { KernelRefusal, NetlinkOverrun } from './kernel-refusal.ts';
import { DATAGRAM_BYTES, NETLINK_GENERIC, NetlinkSocket } from './socket.ts';

const MOST_TRIES = 5;

/** One message of an answer. */
type OnMessage = (bytes: Uint8Array, at: number, end: number) => void;

/**
 * Asks one family of the kernel's generic netlink, in the network namespace of the thread that opened it. The kernel has
 * answered when a call returns; no bytes of requests and answers are kept, for keys are among them.
 */
export class GenericRequests {
  readonly #socket: NetlinkSocket;
  readonly #family: string;
  readonly #exchange = new Exchange();
  readonly #buffer = new Uint8Array(DATAGRAM_BYTES);
  #type = 0;

  private constructor(socket: NetlinkSocket, family: string) {
    this.#socket = socket;
    this.#family = family;
  }

  /** @throws KernelRefusal with the code ENOENT where the kernel has no such family */
  static open(family: string): GenericRequests {
    const requests = new GenericRequests(NetlinkSocket.open(0, NETLINK_GENERIC), family);
    try {
      requests.#ask(
        CONTROLLER,
        0,
        (writer) => writeGetFamily(writer, family),
        (bytes, at, end) => {
          requests.#type = readFamilyId(bytes, at, end);
        },
      );
      return requests;
    } catch (error) {
      requests.close();
      throw error;
    }
  }

  /** Has something done. @throws KernelRefusal */
  act(body: (writer: MessageWriter) => void): void {
    this.#ask(this.#type, 0, body, () => {});
  }

  /**
   * Asks for all of something, which comes in several messages.
   *
   * @param begin called before the first one; again when what came so far is to be forgotten since it changed meanwhile
   * @throws KernelRefusal, NetlinkOverrun also when it changed at each try
   */
  dump(body: (writer: MessageWriter) => void, begin: () => void, each: OnMessage): void {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      begin();
      if (this.#ask(this.#type, Flag.dump, body, each) === Outcome.done) return;
    }
    throw new NetlinkOverrun();
  }

  close(): void {
    this.#socket.close();
  }

  #ask(type: number, flags: number, body: (writer: MessageWriter) => void, each: OnMessage): Outcome {
    const exchange = this.#exchange;
    exchange.begin({
      message: ({ bytes, at, end }) => each(bytes, at, end),
      refused: (refusal) => {
        throw new KernelRefusal(`what is asked of its ${this.#family}`, refusal);
      },
    });
    try {
      exchange.add(type, flags, body, true);
      this.#socket.send(exchange.finish());
      return this.#finish();
    } finally {
      exchange.wipe();
      this.#buffer.fill(0);
    }
  }

  #finish(): Outcome {
    for (;;) {
      const length = this.#socket.receive(this.#buffer);
      if (length <= 0) throw new NetlinkOverrun();
      const outcome = this.#exchange.handle(this.#buffer, length);
      if (outcome !== undefined) return outcome;
    }
  }
}
