/** The thread that floods: makes its packets, says `ready`, and begins when it is told to. */
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { nowUs } from '#host/clock/clock.ts';
import { PreciseTimer } from '#host/clock/timer.ts';
import { native } from '#host/native.ts';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { Burst, D_LENGTH, D_LOCAL, D_OFFSET, D_REMOTE, D_SEGMENT, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import { DEFAULT_CONTROLLER } from '#protocol/congestion/registry.ts';
import { PerfClient, type PerfConnection } from '../quic-perf/client.ts';
import { DONE } from '../quic-perf/request.ts';
import { INITIAL_BYTES, type InitialKind, makeInitials } from './initials.ts';
import { type FloodOrder, type FloodResult, SPOOFED_COUNT, SPOOFED_FIRST } from './order.ts';

/** More different packets than a server would remember. */
const MOST_PACKETS = 65_536;
const BURST = 64;
const TICK_US = 1000;
const FIRST_WORD = 2;

const port = parentPort;
if (port === null) throw new Error('this is the file of a worker thread');

/** Calls `send` each millisecond with the seconds that have passed. */
const atPace = async (seconds: number, send: (elapsed: number) => void): Promise<void> => {
  const start = nowUs();
  const done = Promise.withResolvers<void>();
  const timer = new PreciseTimer(() => {
    const elapsed = (nowUs() - start) / 1e6;
    send(elapsed);
    if (elapsed >= seconds) done.resolve();
    else timer.arm(nowUs() + TICK_US);
  });
  timer.arm(start);
  await done.promise;
  timer.close();
};

/** Sends packets one after the other, each from another address, at an even pace. */
class Spoofer {
  readonly #order: FloodOrder;
  readonly #count: number;
  readonly #burst: Burst;
  readonly #socket: UdpSocket;
  readonly #answers = new Burst(8 * 65_536, 8);
  readonly #first: number;
  #sent = 0;
  #answered = 0;

  constructor(order: FloodOrder, kind: InitialKind) {
    this.#order = order;
    this.#count = Math.min(MOST_PACKETS, order.rate * order.seconds);
    this.#burst = new Burst(0, BURST, makeInitials(kind, this.#count));
    this.#socket = UdpSocket.open({ address: '0.0.0.0', port: 0, gro: false, sendBufferBytes: 4 << 20 });
    this.#first = new DataView(addressOf(SPOOFED_FIRST).buffer).getUint32(4 * FIRST_WORD);
    const { words } = this.#burst;
    const [remote, local] = [addressOf(order.address, order.port), addressOf(SPOOFED_FIRST)];
    for (let base = 0; base < words.length; base += DESCRIPTOR_WORDS) {
      words[base + D_LENGTH] = INITIAL_BYTES;
      words[base + D_SEGMENT] = INITIAL_BYTES;
      words.set(remote, base + D_REMOTE);
      words.set(local, base + D_LOCAL);
    }
    this.#socket.onReadable(() => this.#read());
  }

  #read(): void {
    for (;;) {
      this.#answers.clear();
      const added = this.#socket.receive(this.#answers);
      if (added === 0) return;
      this.#answered += added;
    }
  }

  /** @returns whether the socket took all */
  #send(count: number): boolean {
    const { words } = this.#burst;
    const view = new DataView(words.buffer);
    for (let i = 0; i < count; i++) {
      const index = this.#sent + i;
      const base = i * DESCRIPTOR_WORDS;
      words[base + D_OFFSET] = (index % this.#count) * INITIAL_BYTES;
      view.setUint32(4 * (base + D_LOCAL + FIRST_WORD), this.#first + (index % SPOOFED_COUNT));
    }
    this.#burst.count = count;
    const sent = this.#socket.send(this.#burst);
    this.#sent += sent;
    return sent === count;
  }

  async run(): Promise<FloodResult> {
    const { rate, seconds } = this.#order;
    await atPace(seconds, (elapsed) => {
      const due = rate * elapsed;
      while (this.#sent < due && this.#send(Math.min(BURST, Math.ceil(due - this.#sent))));
    });
    this.#read();
    this.#socket.close();
    return { sent: this.#sent, answers: this.#answered, seconds };
  }
}

/** More are not begun before others ended: a server that does not keep up is not asked for more than it would hold. */
const MOST_OPEN = 512;
/** At the end those under way are waited for so long. */
const PATIENCE_MS = 500;

/**
 * Handshakes at an even pace, each of a connection that is closed when it is complete. The pace is the same for each server:
 * the client has its CPU in common with what is measured, and a server that answers sooner must not cost it more.
 */
const handshakes = async (order: FloodOrder): Promise<FloodResult> => {
  const { address, port: number, authority, rate, seconds } = order;
  const client = new PerfClient({ address, port: number, authority, controller: DEFAULT_CONTROLLER, groups: 'X25519' });
  const open = new Set<PerfConnection>();
  let [sent, answers] = [0, 0];
  const handshake = async (): Promise<void> => {
    const perf = client.connect();
    open.add(perf);
    sent++;
    if (await perf.made()) answers++;
    open.delete(perf);
    perf.connection.close(DONE, '');
  };
  const all: Promise<void>[] = [];
  await atPace(seconds, (elapsed) => {
    while (sent < rate * elapsed && open.size < MOST_OPEN) all.push(handshake());
  });
  await Promise.race([Promise.all(all), sleep(PATIENCE_MS)]);
  for (const perf of open) perf.connection.close(DONE, '');
  await Promise.all(all);
  await client.close();
  return { sent, answers, seconds };
};

/** Behind the connection that is measured, which has the same CPU, and before all else (a program that is measured has -20). */
const NICENESS = -15;

setPriority(native.threadId(), NICENESS);
const order = workerData as FloodOrder;
const { kind } = order;
const flood =
  kind === 'handshakes'
    ? () => handshakes(order)
    : (
        (spoofer) => () =>
          spoofer.run()
      )(new Spoofer(order, kind));
port.once('message', () => {
  void flood().then((result) => {
    port.postMessage({ result });
    port.close();
  });
});
port.postMessage({ ready: true });
