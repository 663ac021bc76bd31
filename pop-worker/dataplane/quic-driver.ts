import { nowUs } from '#host/clock/clock.ts';
import { PreciseTimer } from '#host/clock/timer.ts';
import { Burst } from '#protocol/burst.ts';
import type { Endpoint } from '#protocol/quic/endpoint.ts';

/** What the driver needs of a socket; `UdpSocket` is one, and says what each does. */
export interface DatagramSocket {
  receive(burst: Burst): number;
  send(burst: Burst, from: number): number;
  onReadable(callback: () => void): void;
  onceWritable(callback: () => void): void;
  close(): void;
}

export interface QuicDriverOptions {
  readonly socket: DatagramSocket;
  readonly endpoint: Endpoint;
  /** Messages taken from the socket in one go, 64 KiB each; more do not fit a cache. Default 8. */
  readonly receiveMessages?: number;
}

const MESSAGE_BYTES = 65_536;
const SEND_BYTES = 4 * MESSAGE_BYTES;
const SEND_DESCRIPTORS = 256;
/** Bursts received, and bursts sent after each, before other work of the thread gets its turn. */
const MAX_ROUNDS = 16;

/** Joins a UDP socket, a QUIC endpoint and a timer in one thread: receive, handle, poll, send, wait. */
export class QuicDriver {
  readonly #socket: DatagramSocket;
  readonly #endpoint: Endpoint;
  readonly #timer: PreciseTimer;
  readonly #received: Burst;
  readonly #sent = new Burst(SEND_BYTES, SEND_DESCRIPTORS);
  /** First descriptor of `#sent` that the socket did not take; it waits for the socket to be writable. */
  #next = 0;
  #blocked = false;
  #running = false;
  #scheduled = false;
  #armed = Number.POSITIVE_INFINITY;
  #closed = false;
  /** How often the loop ran, and how often it found something to receive. */
  readonly counters = { turns: 0, receives: 0, sends: 0, blocked: 0 };

  constructor(options: QuicDriverOptions) {
    const messages = options.receiveMessages ?? 8;
    this.#socket = options.socket;
    this.#endpoint = options.endpoint;
    this.#received = new Burst(messages * MESSAGE_BYTES, messages);
    this.#timer = new PreciseTimer(() => {
      this.#armed = Number.POSITIVE_INFINITY;
      this.#turn();
    });
    this.#endpoint.onWake = () => this.#schedule();
    this.#socket.onReadable(() => this.#turn());
  }

  /** Stops; connections are not closed: do that before, and give them time to say so. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#endpoint.onWake = undefined;
    this.#timer.close();
    this.#socket.close();
  }

  /** A command came from outside of the loop. */
  #schedule(): void {
    if (this.#running || this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#closed) return;
    this.#running = true;
    this.counters.turns++;
    let idle = false;
    for (let rounds = 0; rounds < MAX_ROUNDS && !idle && !this.#closed; rounds++) {
      const received = this.#receive();
      const sent = this.#send();
      idle = !received && !sent;
    }
    this.#running = false;
    if (!this.#closed) this.#wait(idle);
  }

  #receive(): boolean {
    const burst = this.#received;
    burst.clear();
    if (this.#socket.receive(burst) === 0) return false;
    this.counters.receives++;
    this.#endpoint.handle(burst, nowUs());
    return true;
  }

  /** @returns whether something was sent */
  #send(): boolean {
    const burst = this.#sent;
    if (this.#blocked) return false;
    if (!this.#endpoint.poll(nowUs(), burst)) return false;
    this.counters.sends++;
    this.#flush();
    return true;
  }

  #flush(): void {
    const burst = this.#sent;
    this.#next = this.#socket.send(burst, this.#next);
    if (this.#next < burst.count) {
      this.counters.blocked++;
      this.#blocked = true;
      this.#socket.onceWritable(() => {
        if (this.#closed) return;
        this.#blocked = false;
        this.#flush();
        this.#turn();
      });
      return;
    }
    this.#next = 0;
    burst.clear();
  }

  /** @param idle nothing is left to do before the next datagram or deadline */
  #wait(idle: boolean): void {
    if (!idle) {
      this.#schedule();
      return;
    }
    const deadline = this.#endpoint.deadline();
    // While the socket is full, what is due waits with it. A timer that fires too early costs less than setting it anew.
    if (this.#blocked || deadline >= this.#armed) return;
    this.#armed = deadline;
    this.#timer.arm(deadline);
  }
}
