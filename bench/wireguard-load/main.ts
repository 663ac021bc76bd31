/**
 * Handshakes from one address, as many as a WireGuard interface answers: one order over IPC.
 * Announces `{"ready": …}` once its messages are made, and `{"result": Told}` at its end.
 */
import { nowUs } from '#host/clock/clock.ts';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { ADDRESS_WORDS } from '#protocol/address.ts';
import { Burst, D_LENGTH, D_OFFSET, D_SEGMENT, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import { COOKIE_REPLY, COOKIE_REPLY_BYTES } from '#protocol/wireguard/wire/cookie-reply.ts';
import { INITIATION_BYTES } from '#protocol/wireguard/wire/initiation.ts';
import { MessageType, messageType, readWord } from '#protocol/wireguard/wire/message.ts';
import { RESPONSE } from '#protocol/wireguard/wire/response.ts';
import { Initiations } from './messages.ts';
import type { LoadOrder, Told } from './order.ts';

/** Initiations that are not answered yet: far below what any implementation calls a load. */
const WINDOW = 48;
/** What was not answered so long is lost. */
const LOST_US = 50_000;
const TICK_MS = 1;
const NOWHERE = new Int32Array(ADDRESS_WORDS);

class Load {
  readonly #order: LoadOrder;
  readonly #messages: Initiations;
  readonly #socket = UdpSocket.open({
    address: '0.0.0.0',
    port: 0,
    sendBufferBytes: 4 << 20,
    receiveBufferBytes: 4 << 20,
  });
  readonly #remote: Int32Array;
  readonly #out = new Burst(64 * INITIATION_BYTES, 64);
  readonly #in = new Burst(16 * 65_536, 16);
  #next = 0;
  #waiting = 0;
  #heardAt = 0;
  readonly #told = { sent: 0, responses: 0, cookies: 0 };

  constructor(order: LoadOrder) {
    this.#order = order;
    const server = Buffer.from(order.server, 'base64');
    const keys = order.privateKeys.map((key) => Buffer.from(key, 'base64'));
    this.#messages = Initiations.real(server, keys, order.count);
    this.#remote = addressOf(order.address, order.port);
  }

  async run(): Promise<Told> {
    const start = nowUs();
    const done = Promise.withResolvers<void>();
    this.#socket.onReadable(() => this.#receive());
    const tick = setInterval(() => {
      const elapsed = (nowUs() - start) / 1e6;
      if (elapsed >= this.#order.seconds || this.#isSpent) done.resolve();
      else this.#keepGoing();
    }, TICK_MS);
    await done.promise;
    clearInterval(tick);
    this.#socket.close();
    return { ...this.#told, seconds: (nowUs() - start) / 1e6 };
  }

  get #isSpent(): boolean {
    return this.#next === this.#order.count;
  }

  #keepGoing(): void {
    if (this.#waiting > 0 && nowUs() - this.#heardAt > LOST_US) this.#waiting = 0;
    for (; this.#waiting < WINDOW && !this.#isSpent; this.#waiting++) this.#send(this.#next++);
    this.#flush();
  }

  #send(number: number): void {
    if (!this.#out.hasRoom(INITIATION_BYTES)) this.#flush();
    this.#messages.sign(number);
    const at = number * INITIATION_BYTES;
    this.#out.buffer.set(this.#messages.bytes.subarray(at, at + INITIATION_BYTES), this.#out.used);
    this.#out.commit(INITIATION_BYTES, 0, this.#remote, 0, NOWHERE, 0);
    this.#told.sent++;
  }

  #flush(): void {
    this.#socket.send(this.#out);
    this.#out.clear();
  }

  #receive(): void {
    const { words, buffer } = this.#in;
    for (this.#in.clear(); this.#socket.receive(this.#in) > 0; this.#in.clear()) {
      for (let base = 0; base < this.#in.count * DESCRIPTOR_WORDS; base += DESCRIPTOR_WORDS) {
        const from = words[base + D_OFFSET] as number;
        const end = from + (words[base + D_LENGTH] as number);
        const segment = words[base + D_SEGMENT] as number;
        for (let at = from; at < end; at += segment) this.#take(buffer, at, Math.min(segment, end - at));
      }
    }
    this.#keepGoing();
  }

  #take(bytes: Uint8Array, at: number, length: number): void {
    this.#heardAt = nowUs();
    const type = messageType(bytes, at, length);
    if (type === MessageType.response && readWord(bytes, at + RESPONSE.receiver) < this.#order.count) {
      this.#told.responses++;
      this.#waiting = Math.max(0, this.#waiting - 1);
    }
    if (type !== MessageType.cookieReply) return;
    this.#told.cookies++;
    const number = readWord(bytes, at + COOKIE_REPLY.receiver);
    const isOurs = number < this.#order.count;
    if (!isOurs) return;
    if (this.#messages.takeCookie(number, bytes.subarray(at, at + COOKIE_REPLY_BYTES))) this.#send(number);
  }
}

const say = (line: object): Promise<void> =>
  new Promise((resolve) => process.send?.(line, undefined, undefined, () => resolve()));

process.once('message', async (order: LoadOrder) => {
  const load = new Load(order);
  await say({ ready: true });
  await say({ result: await load.run() });
});
