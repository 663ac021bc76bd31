import { NewReno } from '#protocol/congestion/newreno.ts';
import type { AckFrame } from '../ack-frame.ts';
import { FrameKind } from '../frame-kind.ts';
import { Mtu } from '../mtu.ts';
import { PacketFlag } from '../packet-flag.ts';
import { Recovery, type RecoveryOptions, type RecoverySink, Space } from '../recovery.ts';

export const DATA = PacketFlag.ackEliciting | PacketFlag.inFlight;
export const ACK_ONLY = 0;

/** An ACK frame of these inclusive ranges, given in descending order. */
export function ackOf(...ranges: readonly (readonly [number, number])[]): AckFrame {
  return {
    largest: ranges[0]?.[1] ?? -1,
    delay: 0,
    count: ranges.length,
    ranges: Float64Array.from(ranges.flat()),
    hasEcn: false,
    ect0: 0,
    ect1: 0,
    ce: 0,
  };
}

/** Notes what it is told as `acked 2:7` (kind ping, a = 7 in the space 2). */
export class Notes implements RecoverySink {
  readonly log: string[] = [];
  readonly mtus: number[] = [];

  frameAcked(space: Space, _kind: FrameKind, a: number, _b: number, _c: number): void {
    this.log.push(`acked ${space}:${a}`);
  }

  frameLost(space: Space, _kind: FrameKind, a: number, _b: number, _c: number): void {
    this.log.push(`lost ${space}:${a}`);
  }

  frameProbe(space: Space, _kind: FrameKind, a: number, _b: number, _c: number): void {
    this.log.push(`probe ${space}:${a}`);
  }

  packetLost(): void {}

  mtuChanged(datagramBytes: number): void {
    this.mtus.push(datagramBytes);
  }

  take(): string[] {
    return this.log.splice(0);
  }
}

/** A Recovery with a virtual clock (milliseconds here, microseconds there). Each packet carries one frame, its number. */
export class Harness {
  readonly notes = new Notes();
  readonly recovery: Recovery;
  nowMs = 0;

  constructor(options: Partial<RecoveryOptions> = {}) {
    const defaults: RecoveryOptions = {
      isServer: true,
      controller: (made) => new NewReno(made),
      mtu: new Mtu(),
      random: () => 0.5,
      ecn: true,
    };
    this.recovery = new Recovery({ ...defaults, ...options }, this.notes);
  }

  get nowUs(): number {
    return this.nowMs * 1000;
  }

  /** @returns the packet's number */
  send(space: Space = Space.application, bytes = 1200, flags: number = DATA, skip = 0, path?: number): number {
    const sent = this.recovery.sent(space);
    const number = sent.nextPacketNumber + skip;
    sent.begin(number);
    sent.frame(FrameKind.ping, number, 0, 0);
    this.recovery.onPacketSent(space, this.nowUs, bytes, flags, path);
    return number;
  }

  ack(space: Space, ackDelayMs: number, ...ranges: readonly (readonly [number, number])[]): void {
    this.recovery.onAckReceived(space, ackOf(...ranges), ackDelayMs * 1000, this.nowUs);
  }

  /** A confirmed connection with this RTT in milliseconds, one packet (number 0) sent and acknowledged. */
  confirm(rttMs: number): this {
    this.recovery.onHandshakeConfirmed();
    this.recovery.mtu.start(this.nowUs);
    const number = this.send();
    this.nowMs += rttMs;
    this.ack(Space.application, 0, [number, number]);
    this.notes.take();
    return this;
  }
}
