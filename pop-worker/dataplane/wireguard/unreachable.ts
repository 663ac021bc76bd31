import { IcmpError, MAX_ICMP_ERROR_BYTES, writeIcmpError } from '#protocol/ip/icmp.ts';
import { IpFault, IpView } from '#protocol/ip/view.ts';
import { P_LENGTH, PACKET_WORDS } from '#protocol/wireguard/options.ts';

/** Senders that are told in a second, and in a burst. */
export const ERRORS_A_SECOND = 100;

/** Tells this machine by ICMP that packets of its go nowhere, as Linux does (paper §3): who waits for an answer need not. */
export class Unreachable {
  readonly #give: (buffer: Uint8Array, words: Int32Array, count: number) => void;
  readonly #view = new IpView();
  readonly #out = new Uint8Array(MAX_ICMP_ERROR_BYTES);
  readonly #words = new Int32Array(PACKET_WORDS);
  #left = ERRORS_A_SECOND;
  #at = 0;

  /** @param give puts a packet into the TUN, as `Delivery.add` */
  constructor(give: (buffer: Uint8Array, words: Int32Array, count: number) => void) {
    this.#give = give;
  }

  /** @param nowUs of a clock that only goes forward */
  tell(buffer: Uint8Array, at: number, length: number, nowUs: number): void {
    this.#left = Math.min(ERRORS_A_SECOND, this.#left + ((nowUs - this.#at) * ERRORS_A_SECOND) / 1e6);
    this.#at = nowUs;
    const view = this.#view;
    if (this.#left < 1 || view.parse(buffer, at, at + length) !== IpFault.none) return;
    // In the name of where it wanted to go: that is an address which is led into the interface, as its answers would come out.
    const from = buffer.subarray(view.destinationAt, view.destinationAt + view.addressBytes);
    const bytes = writeIcmpError(IcmpError.noHost, buffer, view, from, 0, this.#out, 0);
    if (bytes === 0) return;
    this.#left--;
    this.#words[P_LENGTH] = bytes;
    this.#give(this.#out, this.#words, 1);
  }
}
