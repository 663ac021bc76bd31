import { nowUs } from '#host/clock/clock.ts';
import { PreciseTimer } from '#host/clock/timer.ts';
import { Burst } from '#protocol/burst.ts';
import { NEVER } from '#protocol/contract.ts';
import type { WireGuard } from '#protocol/wireguard/wireguard.ts';
import type { DatagramPort } from '../quic-driver.ts';
import { Outbox } from './outbox.ts';

/** Messages that are received in one go, each a run of up to 64 KiB, and how often before other work gets its turn. */
const RECEIVE_SLOTS = 8;
const RECEIVE_TURNS = 16;
const MESSAGE_BYTES = 65_536;
const SEND_MESSAGES = 8;
const SEND_DESCRIPTORS = 512;
/** What may not run asks again so soon. */
const HOLD_MS = 5;

export interface WireGuardDriverOptions {
  readonly socket: DatagramPort;
  readonly core: WireGuard;
  /** A turn begins. While this says no, nothing is received or sent. */
  readonly mayRun: () => boolean;
  /** Hands a burst to the core; its buffer is used again after that. */
  readonly take: (burst: Burst) => void;
  /** A turn is over: what came is in queues that are to leave. */
  readonly afterTurn: () => void;
}

/** Joins the sockets of WireGuard, its core and a timer: receive, handle, poll, send, wait. */
export class WireGuardDriver {
  readonly #options: WireGuardDriverOptions;
  readonly #timer = new PreciseTimer(() => this.#onTime());
  readonly #received = new Burst(RECEIVE_SLOTS * MESSAGE_BYTES, RECEIVE_SLOTS);
  readonly #out = new Burst(SEND_MESSAGES * MESSAGE_BYTES, SEND_DESCRIPTORS);
  readonly #outbox = new Outbox();
  /** Whether the core has the outbox and has not made messages of all of it. */
  #isHanded = false;
  /** Descriptors of `#out` that are gone. */
  #sent = 0;
  #isBlocked = false;
  #isBusy = false;
  #isClosed = false;
  #armed = NEVER;
  #held: NodeJS.Timeout | undefined;

  constructor(options: WireGuardDriverOptions) {
    this.#options = options;
    options.socket.onReadable(() => this.#receive());
  }

  /** Takes a copy of a packet for a peer, which leaves with the next `run`. @returns false: the queue is full */
  send(peer: number, buffer: Uint8Array, start: number, end: number): boolean {
    const outbox = this.#outbox;
    if (!outbox.hasRoom(end - start)) this.run();
    if (!outbox.hasRoom(end - start)) return false;
    outbox.add(peer, buffer, start, end);
    return true;
  }

  /** Takes datagrams, of its sockets or of another worker; what follows from them leaves with the next `run`. */
  take(burst: Burst): void {
    this.#isBusy = true;
    try {
      this.#options.take(burst);
    } finally {
      this.#isBusy = false;
    }
  }

  /** Sends what there is to send, as after a command to the core. */
  run(): void {
    if (this.#isBusy || this.#isBlocked || this.#isClosed || this.#held !== undefined) return;
    this.#isBusy = true;
    try {
      while (this.#flush() && this.#fill());
    } finally {
      this.#isBusy = false;
    }
    this.#arm();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#held);
    this.#timer.close();
    this.#options.socket.close();
  }

  /** @returns false: there is nothing more to send */
  #fill(): boolean {
    const { core } = this.#options;
    const now = nowUs();
    this.#out.clear();
    this.#sent = 0;
    const isMore = core.poll(now, this.#out);
    // At once: what is added before the next call is not the core's yet.
    if (this.#isHanded && core.isIdle) {
      this.#outbox.clear();
      this.#isHanded = false;
    }
    if (isMore) return true;
    this.#isHanded = this.#outbox.count > 0;
    if (this.#isHanded) core.handle({ kind: 'packets', packets: this.#outbox }, now);
    return this.#isHanded;
  }

  /** @returns false: the socket takes no more at the moment */
  #flush(): boolean {
    const { socket } = this.#options;
    const { count } = this.#out;
    if (this.#sent < count) this.#sent = socket.send(this.#out, this.#sent);
    this.#isBlocked = this.#sent < count;
    if (!this.#isBlocked) return true;
    socket.onceWritable(() => {
      this.#isBlocked = false;
      this.#onTime();
    });
    return false;
  }

  #receive(): void {
    const { socket, mayRun, afterTurn } = this.#options;
    if (!mayRun()) {
      this.#hold();
      return;
    }
    const burst = this.#received;
    for (let turn = 0; turn < RECEIVE_TURNS && !this.#isClosed; turn++) {
      burst.clear();
      if (socket.receive(burst) === 0) break;
      this.take(burst);
      this.run();
      if (burst.count < RECEIVE_SLOTS) break;
    }
    afterTurn();
  }

  /** What has arrived waits where it is. */
  #hold(): void {
    const { socket } = this.#options;
    socket.onReadable(undefined);
    this.#held = setTimeout(() => {
      this.#held = undefined;
      socket.onReadable(() => this.#receive());
      this.#onTime();
    }, HOLD_MS);
  }

  #onTime(): void {
    this.#armed = NEVER;
    if (this.#isClosed || this.#held !== undefined) return;
    if (!this.#options.mayRun()) {
      this.#hold();
      return;
    }
    this.#options.core.handle({ kind: 'time' }, nowUs());
    this.run();
  }

  /** One timer for all peers. It is put forward at once, and put off only when it has ended, for that happens with each packet. */
  #arm(): void {
    if (this.#isClosed) return;
    const deadline = this.#options.core.deadline();
    if (deadline >= this.#armed) return;
    this.#armed = deadline;
    this.#timer.arm(deadline);
  }
}
