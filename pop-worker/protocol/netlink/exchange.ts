import { type Refusal, readAcknowledgement, readDone } from './acknowledgement.ts';
import { ControlType, Flag, MessageReader } from './header.ts';
import { MessageWriter } from './writer.ts';

/** Hears what the kernel answers. `reader` is good until the call returns. */
export interface AnswerSink {
  /** One object of what was asked for. */
  message?(reader: MessageReader): void;
  /** @param request its number in the batch, from 0 */
  refused?(refusal: Refusal, request: number): void;
}

/** How an exchange ended. */
export const Outcome = {
  /** All requests were handled; each that was refused has been told. */
  done: 1,
  /** What was dumped changed meanwhile (NLM_F_DUMP_INTR): it may be incomplete, ask again. */
  interrupted: 2,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

const MOST_SEQUENCE = 0xffff_ffff;

/**
 * Requests of one socket and their answers, one batch at a time. Of a batch only the last request asks for an
 * acknowledgement: the kernel handles them in order and tells of each that it refuses, asked or not.
 */
export class Exchange {
  readonly #writer = new MessageWriter(64 * 1024);
  readonly #reader = new MessageReader();
  #sequence = 0;
  #first = 1;
  #sink: AnswerSink = {};
  #pending = false;
  #isDump = false;
  #interrupted = false;
  /** Messages that answered nothing we wait for. */
  unexpected = 0;

  /** Begins a batch; what was pending is given up. */
  begin(sink: AnswerSink): void {
    this.#writer.reset();
    this.#sink = sink;
    this.#pending = false;
    this.#isDump = false;
    this.#interrupted = false;
    // A batch does not wrap: its numbers must stay in order.
    if (this.#sequence > MOST_SEQUENCE - 0x10_0000) this.#sequence = 0;
    this.#first = this.#sequence + 1;
  }

  /** How many bytes and requests the batch has so far. */
  get bytes(): number {
    return this.#writer.length;
  }

  get count(): number {
    return this.#sequence + 1 - this.#first;
  }

  /**
   * Adds a request.
   *
   * @param flags of Flag besides `request`
   * @param isGet whether it asks, so that Flag.dump asks for all
   * @throws NetlinkError
   */
  add(type: number, flags: number, body: (writer: MessageWriter) => void, isGet = isRouteGet(type)): void {
    const start = this.#writer.length;
    try {
      this.#writer.begin(type, flags | Flag.request, this.#sequence + 1);
      body(this.#writer);
      this.#writer.end();
    } catch (error) {
      this.#writer.length = start;
      throw error;
    }
    this.#sequence++;
    this.#isDump = isGet && (flags & Flag.dump) === Flag.dump;
  }

  /** Ends the batch, which must have a request. @returns what is to be sent, good until the next `begin` */
  finish(): Uint8Array {
    // A dump ends by itself; an acknowledgement besides would come before it.
    if (!this.#isDump) this.#writer.wantAcknowledgement();
    this.#pending = true;
    return this.#writer.bytes.subarray(0, this.#writer.length);
  }

  /** Forgets the bytes of what was sent, where keys are among them. */
  wipe(): void {
    this.#writer.bytes.fill(0);
  }

  get isPending(): boolean {
    return this.#pending;
  }

  /**
   * Takes one datagram of the kernel.
   *
   * @returns how the exchange ended; undefined: it goes on
   * @throws NetlinkError
   */
  handle(bytes: Uint8Array, length: number): Outcome | undefined {
    const reader = this.#reader;
    reader.begin(bytes, length);
    while (reader.next()) {
      if (!this.#pending || reader.sequence < this.#first || reader.sequence > this.#sequence) this.unexpected++;
      else if (this.#handleOne(reader)) {
        this.#pending = false;
        return this.#interrupted ? Outcome.interrupted : Outcome.done;
      }
    }
    return undefined;
  }

  /** @returns whether it was the last */
  #handleOne(reader: MessageReader): boolean {
    if ((reader.flags & Flag.dumpInterrupted) !== 0 && reader.type !== ControlType.error) this.#interrupted = true;
    switch (reader.type) {
      case ControlType.error: {
        const refusal = readAcknowledgement(reader);
        if (refusal !== undefined) this.#sink.refused?.(refusal, reader.sequence - this.#first);
        return reader.sequence === this.#sequence;
      }
      case ControlType.done: {
        const refusal = readDone(reader);
        if (refusal !== undefined) this.#sink.refused?.(refusal, reader.sequence - this.#first);
        return true;
      }
      case ControlType.noop:
        return false;
      default:
        this.#sink.message?.(reader);
        return false;
    }
  }
}

/** RTM_GET* are the third of each four types; NLM_F_DUMP means other things elsewhere. */
const isRouteGet = (type: number): boolean => type % 4 === 2;
