import { nowUs } from '#host/clock/clock.ts';
import { PreciseTimer } from '#host/clock/timer.ts';
import { Burst } from '#protocol/burst.ts';
import type { Endpoint } from '#protocol/quic/endpoint.ts';
import { Lookout, MOST_LOOK_US } from './lookout.ts';
import { StrangerBudget } from './stranger-budget.ts';

/** One UDP socket, or several that an endpoint uses as one. What each does is told at `UdpSocket`. */
export interface DatagramPort {
  receive(burst: Burst): number;
  send(burst: Burst, from: number): number;
  onReadable(callback: (() => void) | undefined): void;
  onceWritable(callback: () => void): void;
  close(): void;
}

export interface QuicDriverOptions {
  readonly socket: DatagramPort;
  readonly endpoint: Endpoint;
  /** Messages taken from the socket in one go, 64 KiB each; more do not fit a cache. Default 8. */
  readonly receiveMessages?: number;
  /** Room for what is sent in one go, in messages of 64 KiB. Default 4. */
  readonly sendMessages?: number;
  /** Bytes left free in front of what is received. Default 0. */
  readonly headroom?: number;
  /**
   * Looks for datagrams without sleeping, for so many microseconds at most. Asked before the thread sleeps, where `Lookout`
   * finds it worth while; other work of the thread waits meanwhile. Default: nobody looks.
   */
  readonly look?: ((mostUs: number) => boolean) | undefined;
  /** A turn begins. While this says no, nothing is received or sent; it is asked again soon. */
  readonly mayRun?: () => boolean;
  /** A received burst has been handled and its buffer is about to be used again: write what still lies in it. */
  readonly afterReceive?: () => void;
  /** A turn is over: queues may have room again. */
  readonly afterTurn?: () => void;
}

const MESSAGE_BYTES = 65_536;
const SEND_DESCRIPTORS = 256;
/** Bursts received, and bursts sent after each, before other work of the thread gets its turn. */
const MAX_ROUNDS = 16;
/** What may not run asks again so soon. */
const HOLD_MS = 5;

const loopIdleUs = (): number => 1000 * performance.eventLoopUtilization().idle;

/** Joins a UDP socket, a QUIC endpoint and a timer in one thread: receive, handle, poll, send, wait. */
export class QuicDriver {
  readonly #socket: DatagramPort;
  readonly #endpoint: Endpoint;
  readonly #headroom: number;
  readonly #timer: PreciseTimer;
  readonly #received: Burst;
  readonly #mayRun: (() => boolean) | undefined;
  #held: NodeJS.Timeout | undefined;
  readonly #afterReceive: (() => void) | undefined;
  readonly #afterTurn: (() => void) | undefined;
  readonly #look: QuicDriverOptions['look'];
  readonly #lookout = new Lookout();
  readonly #sent: Burst;
  /** First descriptor of `#sent` that the socket did not take; it waits for the socket to be writable. */
  #next = 0;
  #blocked = false;
  #running = false;
  /** The turn that a command from outside of the loop asked for. */
  #scheduled: NodeJS.Immediate | undefined;
  /** A look for the next datagram, when programs have answered in microtasks and other work of the thread had its turn. */
  #looking: NodeJS.Immediate | undefined;
  #armed = Number.POSITIVE_INFINITY;
  #closed = false;
  /** How often the loop ran, and how often it found something to receive. */
  readonly counters = { turns: 0, receives: 0, sends: 0, blocked: 0 };
  readonly #answer = (): void => void this.#send();
  readonly #strangers = new StrangerBudget(nowUs(), loopIdleUs());

  constructor(options: QuicDriverOptions) {
    const messages = options.receiveMessages ?? 8;
    this.#socket = options.socket;
    this.#endpoint = options.endpoint;
    this.#mayRun = options.mayRun;
    this.#afterReceive = options.afterReceive;
    this.#afterTurn = options.afterTurn;
    this.#look = options.look;
    this.#headroom = options.headroom ?? 0;
    this.#sent = new Burst((options.sendMessages ?? 4) * MESSAGE_BYTES, SEND_DESCRIPTORS);
    this.#received = new Burst(this.#headroom + messages * MESSAGE_BYTES, messages);
    this.#timer = new PreciseTimer(() => {
      this.#armed = Number.POSITIVE_INFINITY;
      this.#turn(false);
    });
    this.#endpoint.onWake = () => this.#schedule();
    this.#socket.onReadable(() => this.#turn(true));
  }

  /** Where datagrams lie while they are handled; what is lent from elsewhere may change before `afterReceive`. */
  get receiveBuffer(): Uint8Array {
    return this.#received.buffer;
  }

  /**
   * Sends at once what there is to send, instead of in the next turn of the event loop.
   *
   * @param receive takes what has arrived before that: for whoever keeps the event loop waiting
   */
  run(receive = false): void {
    if (!this.#running) this.#turn(receive);
  }

  /** Stops; connections are not closed: do that before, and give them time to say so. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#endpoint.onWake = undefined;
    clearTimeout(this.#held);
    this.#timer.close();
    this.#socket.close();
  }

  /** A command came from outside of the loop. */
  #schedule(): void {
    if (this.#running || this.#closed) return;
    this.#scheduled ??= setImmediate(() => this.#turn(false));
  }

  /** What has arrived waits where it is. */
  #hold(): void {
    this.#socket.onReadable(undefined);
    this.#held = setTimeout(() => {
      this.#held = undefined;
      if (this.#closed) return;
      this.#socket.onReadable(() => this.#turn(true));
      this.#turn(true);
    }, HOLD_MS);
  }

  /** @param receive whether something may have arrived: a call in vain costs as much as a small packet */
  #turn(receive: boolean): void {
    if (this.#closed || this.#held !== undefined) return;
    if (this.#mayRun?.() === false) {
      this.#hold();
      return;
    }
    this.#running = true;
    clearImmediate(this.#scheduled);
    clearImmediate(this.#looking);
    this.#scheduled = undefined;
    this.#looking = undefined;
    this.counters.turns++;
    let more = true;
    let full = receive;
    for (let rounds = 0; rounds < MAX_ROUNDS && more && !this.#closed; rounds++) {
      // While much is sent, acknowledgements come in.
      full = (full || rounds > 1) && this.#receive();
      const sent = this.#send();
      more = full || (sent && this.#endpoint.deadline() <= nowUs());
      if (this.#endpoint.strangersWait) more = this.#admit() || more;
    }
    this.#running = false;
    if (this.#closed) return;
    this.#wait(!more);
    this.#afterTurn?.();
  }

  /**
   * What strangers sent is only set aside here, and nothing is to be sent for it: more is received at once.
   *
   * @returns whether more may wait than there was room for; of the rest the event loop tells
   */
  #receive(): boolean {
    let full = this.#receiveBurst();
    for (let more = 1; full && !this.#endpoint.heardConnection && more < MAX_ROUNDS; more++)
      full = this.#receiveBurst();
    return full;
  }

  #receiveBurst(): boolean {
    const burst = this.#received;
    burst.clear();
    burst.used = this.#headroom;
    if (this.#socket.receive(burst) === 0) return false;
    this.counters.receives++;
    this.#endpoint.handle(burst, nowUs(), this.#answer);
    this.#afterReceive?.();
    return burst.count === burst.capacity;
  }

  /** Strangers come behind all others, as far as there is time for them. @returns whether one was heard */
  #admit(): boolean {
    const budget = this.#strangers;
    budget.refill(nowUs(), loopIdleUs());
    let heard = false;
    while (budget.isLeft && this.#endpoint.admit(nowUs())) {
      heard = true;
      budget.spend(nowUs());
    }
    return heard;
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
        this.#turn(true);
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
    const { strangersWait } = this.#endpoint;
    const untilUs = strangersWait ? nowUs() + this.#strangers.untilLeftUs : Number.POSITIVE_INFINITY;
    const deadline = Math.min(this.#endpoint.deadline(), untilUs);
    this.#lookBefore(deadline);
    // While the socket is full, what is due waits with it. A timer that fires too early costs less than setting it anew.
    if (this.#blocked || deadline >= this.#armed) return;
    this.#armed = deadline;
    this.#timer.arm(deadline);
  }

  #lookBefore(deadline: number): void {
    const look = this.#look;
    if (look === undefined || !this.#lookout.isDue()) return;
    this.#looking = setImmediate(() => {
      this.#looking = undefined;
      if (this.#closed || this.#scheduled !== undefined) return;
      const start = nowUs();
      const found = look(Math.max(0, Math.min(MOST_LOOK_US, deadline - start)));
      this.#lookout.looked(found, nowUs() - start);
      if (found) this.#turn(true);
    });
  }
}
