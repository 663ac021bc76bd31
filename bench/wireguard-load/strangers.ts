/**
 * A flood of strangers from many addresses at a steady rate: one order over IPC. Announces `{"ready": …}` once its messages
 * are made, and `{"result": StrangersTold}` at its end. The addresses must be this network namespace's own.
 */
import { randomBytes } from 'node:crypto';
import { nowUs } from '#host/clock/clock.ts';
import { PreciseTimer } from '#host/clock/timer.ts';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { Burst, D_LENGTH, D_LOCAL, D_OFFSET, D_REMOTE, D_SEGMENT, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import { receiverIndex } from '#protocol/wireguard/receiver-index.ts';
import { COOKIE_REPLY_BYTES } from '#protocol/wireguard/wire/cookie-reply.ts';
import { INITIATION_BYTES } from '#protocol/wireguard/wire/initiation.ts';
import { MessageType, messageType, writeWord } from '#protocol/wireguard/wire/message.ts';
import { RESPONSE_BYTES } from '#protocol/wireguard/wire/response.ts';
import { TRANSPORT } from '#protocol/wireguard/wire/transport.ts';
import { SPOOFED_FIRST } from '../quic-flood/order.ts';
import { falseResponses, Initiations } from './messages.ts';
import type { StrangerOrder, StrangersTold } from './stranger-order.ts';

const BURST = 64;
const TICK_US = 1000;
const FIRST_WORD = 2;
/** Of those that need not be told apart. */
const MESSAGES = 4096;

/** Messages of data with what is said to be a session's index, and nothing in them that is authentic. */
const data = (indexOf: (i: number) => number): Uint8Array => {
  const bytes = new Uint8Array(randomBytes(MESSAGES * INITIATION_BYTES));
  for (let i = 0; i < MESSAGES; i++) {
    writeWord(bytes, i * INITIATION_BYTES, MessageType.transport);
    writeWord(bytes, i * INITIATION_BYTES + TRANSPORT.receiver, indexOf(i));
  }
  return bytes;
};

class Strangers {
  readonly #order: StrangerOrder;
  readonly #burst: Burst;
  readonly #socket = UdpSocket.open({ address: '0.0.0.0', port: 0, gro: false, sendBufferBytes: 4 << 20 });
  readonly #answers = new Burst(8 * 65_536, 8);
  readonly #first = new DataView(addressOf(SPOOFED_FIRST).buffer).getUint32(4 * FIRST_WORD);
  readonly #initiations: Initiations | undefined;
  readonly #bytes: number;
  readonly #count: number;
  readonly #told = { sent: 0, cookies: 0, signed: 0 };
  /** By source; those of `cookies`. */
  readonly #cookies: (Uint8Array | undefined)[] = [];

  constructor(order: StrangerOrder) {
    this.#order = order;
    const server = Buffer.from(order.server, 'base64');
    const { kind, peer, sources } = order;
    // Who honours cookies has an initiation for each source, by a key that nobody knows: it costs what a real one does.
    if (kind === 'cookies') this.#initiations = Initiations.real(server, [randomBytes(32)], sources);
    if (kind === 'initiations' || kind === 'guessed') this.#initiations = Initiations.false(server, MESSAGES);
    if (kind === 'guessed') this.#initiations?.guess();
    const number = (i: number): number => (kind === 'named' ? peer : 0x800000 + i);
    const bytes =
      this.#initiations?.bytes ??
      (kind === 'responses' ? falseResponses(server, MESSAGES) : data((i) => receiverIndex(number(i), i)));
    this.#bytes = kind === 'responses' ? RESPONSE_BYTES : INITIATION_BYTES;
    this.#count = bytes.length / this.#bytes;
    this.#burst = new Burst(0, BURST, bytes);
    const { words } = this.#burst;
    const [remote, local] = [addressOf(order.address, order.port), addressOf(SPOOFED_FIRST)];
    for (let base = 0; base < words.length; base += DESCRIPTOR_WORDS) {
      words[base + D_LENGTH] = this.#bytes;
      words[base + D_SEGMENT] = this.#bytes;
      words.set(remote, base + D_REMOTE);
      words.set(local, base + D_LOCAL);
    }
    this.#socket.onReadable(() => this.#receive());
  }

  async run(): Promise<StrangersTold> {
    const { rate, seconds } = this.#order;
    const start = nowUs();
    const done = Promise.withResolvers<void>();
    const timer = new PreciseTimer(() => {
      const elapsed = (nowUs() - start) / 1e6;
      const due = rate * elapsed;
      while (this.#told.sent < due && this.#send(Math.min(BURST, Math.ceil(due - this.#told.sent))));
      if (elapsed >= seconds) done.resolve();
      else timer.arm(nowUs() + TICK_US);
    });
    timer.arm(start);
    await done.promise;
    timer.close();
    this.#socket.close();
    return { ...this.#told, seconds: (nowUs() - start) / 1e6 };
  }

  /** @returns whether the socket took all */
  #send(count: number): boolean {
    const { words } = this.#burst;
    const view = new DataView(words.buffer);
    for (let i = 0; i < count; i++) {
      const index = this.#told.sent + i;
      const source = index % this.#order.sources;
      const base = i * DESCRIPTOR_WORDS;
      const cookie = this.#cookies[source];
      if (cookie !== undefined) {
        this.#initiations?.sign(source, cookie);
        this.#told.signed++;
      }
      words[base + D_OFFSET] = (index % this.#count) * this.#bytes;
      view.setUint32(4 * (base + D_LOCAL + FIRST_WORD), this.#first + source);
    }
    this.#burst.count = count;
    const sent = this.#socket.send(this.#burst);
    this.#told.sent += sent;
    return sent === count;
  }

  #receive(): void {
    const { words, buffer } = this.#answers;
    const view = new DataView(words.buffer);
    for (this.#answers.clear(); this.#socket.receive(this.#answers) > 0; this.#answers.clear()) {
      for (let base = 0; base < this.#answers.count * DESCRIPTOR_WORDS; base += DESCRIPTOR_WORDS) {
        const at = words[base + D_OFFSET] as number;
        if (messageType(buffer, at, words[base + D_LENGTH] as number) !== MessageType.cookieReply) continue;
        this.#told.cookies++;
        if (this.#order.kind !== 'cookies') continue;
        const source = view.getUint32(4 * (base + D_LOCAL + FIRST_WORD)) - this.#first;
        const reply = buffer.subarray(at, at + COOKIE_REPLY_BYTES);
        this.#cookies[source] ??= this.#initiations?.cookieOf(source, reply);
      }
    }
  }
}

const say = (line: object): Promise<void> =>
  new Promise((resolve) => process.send?.(line, undefined, undefined, () => resolve()));

process.once('message', async (order: StrangerOrder) => {
  const strangers = new Strangers(order);
  await say({ ready: true });
  await say({ result: await strangers.run() });
});
