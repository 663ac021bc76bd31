import { UdpSocket } from '#host/udp/socket.ts';
import { addressFamily, addressPort } from '#protocol/address.ts';
import { Burst, D_LENGTH, D_LOCAL, D_OFFSET, D_REMOTE, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import { MOST_UDP_BYTES } from '#protocol/dns/numbers.ts';
import type { DnsListen } from './setup.ts';

/** Writes the response to a query into `out`. @returns its bytes; 0: there is none */
export type Answer = (bytes: Uint8Array, length: number, from: Uint8Array, out: Uint8Array) => number;

/** Longer ones are no queries: they are dropped, and counted by the socket. */
const MOST_QUERY_BYTES = 4096;
const QUERIES = 64;
/** So many bursts in one turn of the event loop; what else there is to do comes in between. */
const MOST_BURSTS = 8;
const BUFFER_BYTES = 4 << 20;
const ADDRESS_AT = 2;

/** Takes queries at one address and answers from it. */
export class UdpServer {
  readonly #socket: UdpSocket;
  readonly #answer: Answer;
  readonly #in = new Burst(QUERIES * MOST_QUERY_BYTES, QUERIES);
  readonly #out = new Burst(QUERIES * MOST_UDP_BYTES, QUERIES);
  readonly #from = { 4: new Uint8Array(4), 6: new Uint8Array(16) };
  readonly #bytes: Uint8Array;
  #received = 0;
  #lost = 0;

  /** @throws Error of the system */
  constructor({ address, port }: DnsListen, answer: Answer) {
    this.#answer = answer;
    this.#bytes = new Uint8Array(this.#in.words.buffer);
    this.#socket = UdpSocket.open({
      ...{ address, port, v6only: true, gro: false, ecn: false, slotBytes: MOST_QUERY_BYTES },
      ...{ receiveBufferBytes: BUFFER_BYTES, sendBufferBytes: BUFFER_BYTES },
    });
    this.#socket.onReadable(() => this.#take());
  }

  get port(): number {
    return addressPort(this.#socket.localAddress());
  }

  /** Queries so far. */
  get received(): number {
    return this.#received;
  }

  /** Responses that the system did not take. */
  get lost(): number {
    return this.#lost;
  }

  /** Queries for which there was no room. */
  get overflowed(): number {
    return this.#socket.kernelDrops;
  }

  close(): void {
    this.#socket.close();
  }

  #take(): void {
    for (let i = 0; i < MOST_BURSTS; i++) {
      this.#in.clear();
      const count = this.#socket.receive(this.#in);
      if (count === 0) return;
      this.#received += count;
      this.#answerAll(count);
      if (count < QUERIES) return;
    }
  }

  #answerAll(count: number): void {
    const [taken, out] = [this.#in, this.#out];
    const { words } = taken;
    out.clear();
    for (let i = 0; i < count; i++) {
      const at = i * DESCRIPTOR_WORDS;
      const offset = words[at + D_OFFSET] as number;
      const length = words[at + D_LENGTH] as number;
      const query = taken.buffer.subarray(offset, offset + length);
      const size = this.#answer(query, length, this.#sender(at + D_REMOTE), out.buffer.subarray(out.used));
      // From the address that was asked.
      if (size > 0) out.commit(size, 0, words, at + D_REMOTE, words, at + D_LOCAL);
    }
    if (out.count > 0) this.#lost += out.count - this.#socket.send(out);
  }

  /** Bytes of an address that are good until the next. */
  #sender(at: number): Uint8Array {
    const address = this.#from[addressFamily(this.#in.words, at)];
    const start = (at + ADDRESS_AT) * Int32Array.BYTES_PER_ELEMENT;
    for (let i = 0; i < address.length; i++) address[i] = this.#bytes[start + i] as number;
    return address;
  }
}
