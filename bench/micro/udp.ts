// What a packet costs on loopback: sending with GSO, one by one, and receiving with GRO. Prints only.
// usage: node bench/micro/udp.ts [seconds a case]
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { nowUs, threadCpuUs } from '#host/clock/clock.ts';
import { native } from '#host/native.ts';
import { pinThread, threadCpus } from '#host/thread/thread.ts';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { addressPort } from '#protocol/address.ts';
import { Burst } from '#protocol/burst.ts';

const SEGMENT_BYTES = 1350;
const SEGMENTS = 44;
const NOWHERE = addressOf('0.0.0.0');

interface Case {
  readonly name: string;
  readonly gso: boolean;
  readonly gro: boolean;
  /** Descriptors a burst, and segments in each. */
  readonly runs: number;
  readonly segments: number;
}

const CASES: readonly Case[] = [
  { name: 'GSO 44 x 4, GRO', gso: true, gro: true, runs: 4, segments: SEGMENTS },
  { name: 'GSO 44 x 1, GRO', gso: true, gro: true, runs: 1, segments: SEGMENTS },
  { name: 'GSO 44 x 4, no GRO', gso: true, gro: false, runs: 4, segments: SEGMENTS },
  { name: 'sendmmsg 64 x 1, GRO', gso: false, gro: true, runs: 64, segments: 1 },
];

const burstFor = (sized: Case, port: number): Burst => {
  const burst = new Burst(sized.runs * sized.segments * SEGMENT_BYTES, sized.runs);
  const remote = addressOf('127.0.0.1', port);
  for (let i = 0; i < sized.runs; i++) {
    // ECN alternates, so that neighbours do not join.
    for (let k = 0; k < sized.segments; k++) burst.commit(SEGMENT_BYTES, i & 1, remote, 0, NOWHERE, 0);
  }
  return burst;
};

const measureSending = (sized: Case, port: number, seconds: number): string => {
  const sender = UdpSocket.open({ address: '127.0.0.1', port: 0, gso: sized.gso, sendBufferBytes: 4 << 20 });
  const burst = burstFor(sized, port);
  const cpu = threadCpuUs();
  for (const end = nowUs() + seconds * 1e6; nowUs() < end; ) sender.send(burst);
  const packets = sender.counters.sentSegments;
  const nanoseconds = ((threadCpuUs() - cpu) * 1e3) / packets;
  sender.close();
  return `send ${nanoseconds.toFixed(0).padStart(5)} ns/packet  ${(packets / seconds / 1e3).toFixed(0).padStart(6)} kpps`;
};

/** Receives until told to stop, then says what each packet cost. */
const receiverThread = (): void => {
  const { gro, cpu } = workerData as { gro: boolean; cpu: number };
  pinThread([cpu]);
  const socket = UdpSocket.open({
    address: '127.0.0.1',
    port: 0,
    gro,
    receiveBufferBytes: 32 << 20,
    slotBytes: gro ? 65_536 : 2048,
  });
  const burst = gro ? new Burst(16 * 65_536, 16) : new Burst(64 * 2048, 64);
  const start = threadCpuUs();
  socket.onReadable(() => {
    for (let round = 0; round < 8; round++) {
      burst.clear();
      if (socket.receive(burst) < burst.capacity) break;
    }
  });
  parentPort?.on('message', () => {
    const { receivedSegments, receivedMessages } = socket.counters;
    const nanoseconds = ((threadCpuUs() - start) * 1e3) / receivedSegments;
    parentPort?.postMessage(
      `receive ${nanoseconds.toFixed(0).padStart(5)} ns/packet  ${(receivedSegments / receivedMessages).toFixed(1)} a message`,
    );
    socket.close();
    parentPort?.close();
  });
  parentPort?.postMessage(addressPort(socket.localAddress()));
};

const nextMessage = <Message>(worker: Worker): Promise<Message> =>
  new Promise((resolve) => worker.once('message', resolve));

const runCase = async (sized: Case, seconds: number, cpu: number): Promise<void> => {
  const worker = new Worker(new URL(import.meta.url), { workerData: { gro: sized.gro, cpu } });
  const port = await nextMessage<number>(worker);
  const sent = measureSending(sized, port, seconds);
  worker.postMessage('report');
  console.log(`${sized.name.padEnd(22)} ${sent}  ${await nextMessage<string>(worker)}`);
};

const callCost = (): void => {
  const socket = UdpSocket.open({ address: '127.0.0.1', port: 0 });
  const burst = new Burst(65_536, 1);
  const rounds = 2_000_000;
  for (const [name, call] of [
    ['a call without arguments', native.nowUs],
    ['send of an empty burst (handle, two arrays, two integers checked)', () => socket.send(burst)],
  ] as const) {
    for (let i = 0; i < rounds / 10; i++) call();
    const start = threadCpuUs();
    for (let i = 0; i < rounds; i++) call();
    console.log(`${name}: ${(((threadCpuUs() - start) * 1e3) / rounds).toFixed(0)} ns`);
  }
  socket.close();
};

if (isMainThread) {
  const seconds = Number(process.argv[2] ?? 1);
  const [near = 0, far = near] = threadCpus();
  pinThread([near]);
  callCost();
  for (const sized of CASES) await runCase(sized, seconds, far);
} else {
  receiverThread();
}
