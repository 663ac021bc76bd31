import type { SeededRandom } from '#protocol/quic/testing/random.ts';
import { MessageType } from '#protocol/wireguard/wire/message.ts';
import { EXPIRED_US } from './bounds.ts';

/** A datagram as it was sent. */
export interface Datagram {
  readonly bytes: Uint8Array;
  readonly from: Int32Array;
  readonly sentAt: number;
  /** It has arrived as it was sent. */
  hasArrived: boolean;
}

const RECENT = 2048;
const KEPT = 4096;
/** Answers to handshakes, the newest of them. */
const ANSWERS = 256;
/** How often one that was withheld is chosen, where there is one. */
const ANSWER_SHARE = 0.2;
/** Of data one in so many is kept for hours; of handshakes all. */
const ONE_IN = 32;

/** What somebody on the way to one side has written down: all of the last minutes, some of the last hours. */
export class Captured {
  readonly #recent: Datagram[] = [];
  readonly #kept: Datagram[] = [];
  readonly #answers: Datagram[] = [];
  #count = 0;

  add(datagram: Datagram): void {
    const number = this.#count++;
    if (datagram.bytes[0] === MessageType.response && this.#answers.push(datagram) > ANSWERS) this.#answers.shift();
    this.#recent[number % RECENT] = datagram;
    const isData = datagram.bytes[0] === MessageType.transport;
    if (!isData || number % ONE_IN === 0)
      this.#kept[this.#kept.length < KEPT ? this.#kept.length : number % KEPT] = datagram;
  }

  /**
   * One that the side must refuse: it came before, or its keys are over by now, as of what was withheld for that long. An
   * initiation that never came may be new, and is left out.
   */
  draw(now: number, random: SeededRandom): Datagram | undefined {
    const answer = this.#answers.findLast(({ hasArrived, sentAt }) => !hasArrived && now - sentAt > EXPIRED_US);
    if (answer !== undefined && random.next() < ANSWER_SHARE) return answer;
    const from = random.next() < 0.5 ? this.#recent : this.#kept;
    const one = from[random.below(from.length)];
    if (one === undefined || one.hasArrived) return one;
    return one.bytes[0] !== MessageType.initiation && now - one.sentAt > EXPIRED_US ? one : undefined;
  }
}
