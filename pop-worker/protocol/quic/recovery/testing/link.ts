import type { CongestionController, ControllerOptions } from '#protocol/congestion/controller.ts';
import { NEVER } from '../../../contract.ts';
import type { AckFrame } from '../ack-frame.ts';
import { FrameKind } from '../frame-kind.ts';
import { Mtu } from '../mtu.ts';
import { PacketFlag } from '../packet-flag.ts';
import { Recovery, type RecoverySink, Space } from '../recovery.ts';

export interface LinkOptions {
  readonly bitsPerSecond: number;
  readonly rttMs: number;
  /** Bytes that the bottleneck queues; what does not fit is dropped. */
  readonly queueBytes: number;
  /** Chance that a packet vanishes. */
  readonly loss?: number;
  readonly seed?: number;
  /** Packets that vanish, by their number. */
  readonly drop?: ReadonlySet<number>;
  readonly controller: (options: ControllerOptions) => CongestionController;
  /** How much the application has to say; without end by default. */
  readonly packets?: number;
}

const PACKET_BYTES = 1250;
const FLAGS = PacketFlag.ackEliciting | PacketFlag.inFlight;
const MAX_ACK_RANGES = 32;

/** A bulk sender, one bottleneck with a drop-tail queue, and a receiver that acknowledges every second packet. */
export class LinkSimulation implements RecoverySink {
  readonly recovery: Recovery;
  readonly #options: LinkOptions;
  nowUs = 0;
  deliveredPackets = 0;
  queueDrops = 0;
  maxQueueBytes = 0;
  /** Called when something changed. */
  onStep: () => void = () => {};
  #random: number;
  #busyUntil = 0;
  #toSend: number;
  readonly #retransmit: number[] = [];
  #chunks = 0;
  readonly #arrived = new Set<number>();
  /** Packets on the way: when and which. */
  readonly #wire: { at: number; number: number }[] = [];
  readonly #acks: { at: number; frame: AckFrame }[] = [];
  readonly #received: [low: number, high: number][] = [];
  #unacked = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#random = (options.seed ?? 1) >>> 0;
    this.#toSend = options.packets ?? Number.POSITIVE_INFINITY;
    const random = (): number => this.#uniform();
    this.recovery = new Recovery(
      { isServer: true, controller: options.controller, mtu: new Mtu(), random, ecn: false },
      this,
    );
    this.recovery.onHandshakeConfirmed();
    this.recovery.mtu.start(0);
  }

  frameAcked(_space: Space, _kind: FrameKind, chunk: number): void {
    if (this.#arrived.has(chunk)) return;
    this.#arrived.add(chunk);
    this.deliveredPackets++;
  }

  frameLost(_space: Space, _kind: FrameKind, chunk: number): void {
    if (!this.#arrived.has(chunk)) this.#retransmit.push(chunk);
  }

  frameProbe(_space: Space, _kind: FrameKind, chunk: number): void {
    this.#retransmit.push(chunk);
  }

  packetLost(): void {}

  mtuChanged(): void {}

  /** Runs until this time in milliseconds, or until nothing is left to do. */
  runUntil(ms: number): this {
    const end = ms * 1000;
    for (;;) {
      const pacing = this.#sendAll();
      const wire = this.#wire[0]?.at ?? NEVER;
      const ack = this.#acks[0]?.at ?? NEVER;
      const next = Math.min(wire, ack, this.recovery.deadline(), pacing);
      if (next > end) {
        if (next !== NEVER) this.nowUs = end;
        return this;
      }
      this.nowUs = Math.max(this.nowUs, next);
      if (wire <= this.nowUs) this.#receive(this.#wire.shift() as { at: number; number: number });
      else if (ack <= this.nowUs) this.#acknowledged((this.#acks.shift() as { at: number; frame: AckFrame }).frame);
      else this.#timeout();
      this.onStep();
    }
  }

  #timeout(): void {
    if (this.recovery.onTimeout(this.nowUs) !== 'probe') return;
    while (this.recovery.probesOwed(Space.application) > 0) {
      this.recovery.probe(Space.application);
      this.#send(this.#retransmit.pop() ?? this.#chunks++);
    }
  }

  #acknowledged(frame: AckFrame): void {
    this.recovery.onAckReceived(Space.application, frame, 0, this.nowUs);
  }

  /** @returns when the pacer lets more go */
  #sendAll(): number {
    while (this.#retransmit.length > 0 || this.#chunks < this.#toSend) {
      if (!this.recovery.canSend(PACKET_BYTES)) return NEVER;
      const delay = this.recovery.pacingDelay(this.nowUs, PACKET_BYTES);
      if (delay > 0) return this.nowUs + delay;
      this.#send(this.#retransmit.shift() ?? this.#chunks++);
    }
    this.recovery.onApplicationLimited(this.nowUs);
    return NEVER;
  }

  #send(chunk: number): void {
    const sent = this.recovery.sent(Space.application);
    const number = sent.nextPacketNumber;
    sent.begin(number);
    sent.frame(FrameKind.datagram, chunk, PACKET_BYTES, 0);
    this.recovery.onPacketSent(Space.application, this.nowUs, PACKET_BYTES, FLAGS);
    const bytesPerUs = this.#options.bitsPerSecond / 8e6;
    const start = Math.max(this.#busyUntil, this.nowUs);
    const queued = (start - this.nowUs) * bytesPerUs;
    this.maxQueueBytes = Math.max(this.maxQueueBytes, queued);
    if (queued + PACKET_BYTES > this.#options.queueBytes) {
      this.queueDrops++;
      return;
    }
    this.#busyUntil = start + PACKET_BYTES / bytesPerUs;
    if (this.#options.drop?.has(number) || this.#uniform() < (this.#options.loss ?? 0)) return;
    this.#wire.push({ at: this.#busyUntil + this.#options.rttMs * 500, number });
  }

  #receive(packet: { number: number }): void {
    const last = this.#received.at(-1);
    const inOrder = last === undefined || packet.number === last[1] + 1;
    if (last !== undefined && inOrder) last[1] = packet.number;
    else this.#received.push([packet.number, packet.number]);
    if (this.#received.length > MAX_ACK_RANGES) this.#received.shift();
    this.#unacked++;
    // A real receiver has a timer for the last packet; here the end of what is on the way does.
    if (inOrder && this.#unacked < 2 && this.#wire.length > 0) return;
    this.#unacked = 0;
    this.#acks.push({ at: this.nowUs + this.#options.rttMs * 500, frame: this.#frame() });
  }

  #frame(): AckFrame {
    const ranges = this.#received.toReversed();
    const largest = ranges[0]?.[1] ?? 0;
    const numbers = Float64Array.from(ranges.flat());
    return { largest, delay: 0, count: ranges.length, ranges: numbers, hasEcn: false, ect0: 0, ect1: 0, ce: 0 };
  }

  /** xorshift32: repeatable. */
  #uniform(): number {
    let x = this.#random || 1;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x >>> 0;
    return this.#random / 2 ** 32;
  }
}
