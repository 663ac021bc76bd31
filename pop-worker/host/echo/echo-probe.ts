import { randomInt } from 'node:crypto';
import { Patience } from '../clock/patience.ts';
import { native } from '../native.ts';
import { Poll, PollEvent } from '../poll/poll.ts';
import { addressOf } from '../udp/address.ts';

const SEQUENCES = 0x1_0000;

/** Asks one address for an echo (RFC 792, RFC 4443 §4) again and again. */
export class EchoProbe {
  readonly #address: string;
  readonly #device: string;
  readonly #identifier = randomInt(SEQUENCES);
  readonly #descriptor: number;
  readonly #poll: Poll;
  #sequence = 0;
  #waiting: ((reason: string | undefined) => void) | undefined;

  /** @param device the interface to ask by; empty: whichever the routes lead to @throws EngineError without privilege */
  constructor(address: string, device = '') {
    this.#address = address;
    this.#device = device;
    this.#descriptor = native.echoOpen(addressOf(address), device);
    this.#poll = new Poll(this.#descriptor, () => this.#read());
    this.#poll.watch(PollEvent.readable);
    this.#poll.unref();
  }

  /** One at a time. @returns undefined when it answered in time, else in words what there was instead; never rejects */
  ask(timeoutMs: number): Promise<string | undefined> {
    this.#sequence = (this.#sequence + 1) % SEQUENCES;
    return new Promise((resolve) => {
      const end = (reason: string | undefined): void => {
        patience.close();
        this.#waiting = undefined;
        resolve(reason);
      };
      const by = this.#device === '' ? '' : ` by ${this.#device}`;
      const silent = (): void => end(`${this.#address} gave no echo${by} within ${timeoutMs} ms`);
      const patience = new Patience({ limitMs: timeoutMs, mostMs: timeoutMs }, silent);
      this.#waiting = end;
      try {
        native.echoSend(this.#descriptor, this.#identifier, this.#sequence);
      } catch (error) {
        end(`${this.#address} cannot be asked${by}: ${(error as Error).message}`);
      }
    });
  }

  close(): void {
    this.#waiting?.('it is asked no more');
    this.#poll.close();
    native.echoClose(this.#descriptor);
  }

  #read(): void {
    for (;;) {
      const sequence = native.echoReceive(this.#descriptor, this.#identifier);
      if (sequence < 0) return;
      // A late answer to an earlier one says nothing of now.
      if (sequence === this.#sequence) this.#waiting?.(undefined);
    }
  }
}
