/**
 * What loss recovery costs a packet: sent, carrying one STREAM frame, and acknowledged, in ACK frames of 100 packets with
 * 1000 in flight; once without loss, once with every hundredth packet lost. Also says how much was allocated.
 *
 * Run: node --expose-gc bench/micro/recovery.ts
 */
import { controllerNamed } from '#protocol/congestion/registry.ts';
import type { AckFrame } from '#protocol/quic/recovery/ack-frame.ts';
import { FrameKind } from '#protocol/quic/recovery/frame-kind.ts';
import { Mtu } from '#protocol/quic/recovery/mtu.ts';
import { PacketFlag } from '#protocol/quic/recovery/packet-flag.ts';
import { Recovery, type RecoverySink, Space } from '#protocol/quic/recovery/recovery.ts';

const IN_FLIGHT = 1000;
const ACKED = 100;
const ROUNDS = 20_000;
const BATCHES = 100;
const FLAGS = PacketFlag.ackEliciting | PacketFlag.inFlight;

class Counter implements RecoverySink {
  acked = 0;
  lost = 0;

  frameAcked(_space: Space, _kind: FrameKind, _a: number, _b: number, c: number): void {
    this.acked += c;
  }

  frameLost(_space: Space, _kind: FrameKind, _a: number, _b: number, c: number): void {
    this.lost += c;
  }

  frameProbe(): void {}

  packetLost(): void {}

  mtuChanged(): void {}
}

interface Result {
  readonly nsPerPacket: number;
  readonly bytesPerPacket: number;
  readonly lost: number;
}

function run(controller: string, lossEvery: number): Result {
  const sink = new Counter();
  const options = {
    isServer: true,
    controller: controllerNamed(controller),
    mtu: new Mtu(),
    random: () => 0.5,
    ecn: false,
  };
  const recovery = new Recovery(options, sink);
  recovery.onHandshakeConfirmed();
  const sent = recovery.sent(Space.application);
  // The ranges as a receiver would report them: the newest 32.
  const ranges = new Float64Array(64);
  const frame: AckFrame = { largest: 0, delay: 0, count: 1, ranges, hasEcn: false, ect0: 0, ect1: 0, ce: 0 };
  let now = 0;
  const send = (packets: number): void => {
    for (let i = 0; i < packets; i++) {
      const number = sent.nextPacketNumber;
      sent.begin(number);
      sent.frame(FrameKind.stream, 4, number * 1200, 1200);
      recovery.onPacketSent(Space.application, now, 1250, FLAGS);
    }
  };
  const acknowledge = (largest: number): void => {
    let high = largest;
    let count = 0;
    while (count < 32 && high >= 0) {
      const low = lossEvery === 0 ? 0 : Math.floor(high / lossEvery) * lossEvery + 1;
      if (low <= high) {
        ranges[count * 2] = low;
        ranges[count * 2 + 1] = high;
        count++;
      }
      high = low - 2;
    }
    frame.largest = ranges[1] as number;
    frame.count = count;
    recovery.onAckReceived(Space.application, frame, 0, now);
  };
  const rounds = (count: number): void => {
    for (let i = 0; i < count; i++) {
      now += 100;
      send(ACKED);
      acknowledge(sent.nextPacketNumber - IN_FLIGHT - 1);
    }
  };
  send(IN_FLIGHT);
  rounds(ROUNDS / 4);
  globalThis.gc?.();
  const heap = process.memoryUsage().heapUsed;
  const packets = (ROUNDS / BATCHES) * ACKED;
  // The fastest batch: what neighbours on the machine take away does not count.
  let nsPerPacket = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < BATCHES; batch++) {
    const start = process.hrtime.bigint();
    rounds(ROUNDS / BATCHES);
    nsPerPacket = Math.min(nsPerPacket, Number(process.hrtime.bigint() - start) / packets);
  }
  const bytes = process.memoryUsage().heapUsed - heap;
  return { nsPerPacket, bytesPerPacket: bytes / packets / BATCHES, lost: sink.lost / 1200 };
}

for (const lossEvery of [0, 100]) {
  const { nsPerPacket, bytesPerPacket, lost } = run('newreno', lossEvery);
  const what = lossEvery === 0 ? 'no loss' : `1 in ${lossEvery} lost (${lost})`;
  console.log(`${what}: ${nsPerPacket.toFixed(0)} ns a packet sent and acked, ${bytesPerPacket.toFixed(2)} heap bytes`);
}
