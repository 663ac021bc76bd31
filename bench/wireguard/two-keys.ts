import { systemRandom } from '#host/random/random.ts';
import { addressOf } from '#host/udp/address.ts';
import { enginePorts } from '#host/wireguard/engine-ports.ts';
import { Burst } from '#protocol/burst.ts';
import { IN_WORDS } from '#protocol/wireguard/packets.ts';
import { INITIATION, INITIATION_BYTES } from '#protocol/wireguard/wire/initiation.ts';
import { WireGuard } from '#protocol/wireguard/wireguard.ts';
import type { Measurement } from '#telemetry/measurement.ts';

const [PREVIOUS, NEWEST, CLIENT] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const ROUNDS = 60;
const IN_BURST = 64;
const PACKET_BYTES = 1200;
const HERE = addressOf('192.0.2.1', 51_820);
const THERE = addressOf('198.51.100.1', 9);

const nowUs = (): number => performance.now() * 1000;

const core = (privateKey: Uint8Array, more: object = {}): WireGuard =>
  new WireGuard({
    ...{ privateKey, ports: enginePorts(), random: systemRandom, isRoutedByCaller: true },
    ...{ unixUs: () => Date.now() * 1000, sink: { packets: () => {}, confirmed: () => {}, moved: () => {} } },
    ...more,
  });

const TWO = { previous: { privateKey: PREVIOUS } };
const IN_LOAD = { handshakesASecond: 0 };

const out = new Burst(1 << 20, 512);
const drain = (from: WireGuard): void => {
  for (out.clear(); from.poll(nowUs(), out); out.clear());
};

const burstOf = (messages: readonly Uint8Array[]): Burst => {
  const burst = new Burst(1 << 18, messages.length);
  for (const bytes of messages) {
    burst.buffer.set(bytes, burst.used);
    burst.commit(bytes.length, 0, THERE, 0, HERE, 0);
  }
  return burst;
};

/** Initiations, whose mac1 is of this key of ours, or nobody's. */
const initiations = (known: Uint8Array | undefined): Burst => {
  const { mac } = enginePorts();
  const key = known && mac.labelled('mac1----', core(known).publicKey);
  return burstOf(
    Array.from({ length: IN_BURST }, () => {
      const bytes = new Uint8Array(INITIATION_BYTES);
      systemRandom.fill(bytes);
      bytes.set([1, 0, 0, 0]);
      if (key !== undefined) mac.mac(key, bytes, 0, INITIATION.mac1, bytes, INITIATION.mac1);
      return bytes;
    }),
  );
};

/** @returns how to let a core have all of these again, and how long each took, in nanoseconds */
const flood = (worker: WireGuard, burst: Burst) => (): number => {
  const before = nowUs();
  worker.handle({ kind: 'datagrams', burst }, before);
  const after = nowUs();
  drain(worker);
  return (1000 * (after - before)) / IN_BURST;
};

/** Packets of a session by the newest key. */
const data = (worker: WireGuard) => {
  const client = core(CLIENT);
  worker.addPeer({ number: 1, publicKey: client.publicKey });
  client.addPeer({ number: 2, publicKey: worker.publicKey, endpoint: HERE });
  const buffer = new Uint8Array(IN_BURST * PACKET_BYTES);
  const words = new Int32Array(IN_WORDS * IN_BURST);
  for (let i = 0; i < IN_BURST; i++) {
    words.set([i * PACKET_BYTES, PACKET_BYTES], IN_WORDS * i);
    buffer.set([0x45, 0, PACKET_BYTES >> 8, PACKET_BYTES & 255], i * PACKET_BYTES);
  }
  const peers = new Int32Array(IN_BURST).fill(2);
  const sealed = (): Burst => {
    const packets = { buffer: buffer.slice(), words, count: IN_BURST, peers };
    client.handle({ kind: 'packets', packets }, nowUs());
    const burst = new Burst(1 << 18, IN_BURST);
    while (client.poll(nowUs(), burst));
    return burst;
  };
  // Its handshake.
  worker.handle({ kind: 'datagrams', burst: sealed() }, nowUs());
  const answer = new Burst(1 << 16, 8);
  while (worker.poll(nowUs(), answer));
  client.handle({ kind: 'datagrams', burst: answer }, nowUs());
  drain(client);
  const received = worker.totals.receivedMessages;
  return (): number => {
    const burst = sealed();
    const before = nowUs();
    worker.handle({ kind: 'datagrams', burst }, before);
    const after = nowUs();
    drain(worker);
    if (worker.totals.receivedMessages === received) throw new Error('no packet was taken');
    return (1000 * (after - before)) / IN_BURST;
  };
};

/** The best of many rounds of each, one after the other in turn: what disturbs one disturbs all. */
const best = (each: readonly (() => number)[]): number[] => {
  const least = each.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < ROUNDS; round++)
    for (const [i, measure] of each.entries()) least[i] = Math.min(least[i] as number, measure());
  return least;
};

const lines = (metric: string, [one = 0, two = 0]: readonly number[], atMost: number): Measurement[] => [
  { metric: `${metric}_one_key`, value: Math.round(one), unit: 'ns' },
  { metric: `${metric}_two_keys`, value: Math.round(two), unit: 'ns' },
  { metric: `${metric}_ratio`, value: Number((two / one).toPrecision(3)), unit: 'ratio', bar: { atMost } },
];

/** What a second static key costs: who knows neither, who is asked for a cookie by either, and data. */
export const twoKeys = (): Measurement[] => {
  const nobody = initiations(undefined);
  const strangers = best([flood(core(NEWEST), nobody), flood(core(NEWEST, TWO), nobody)]);
  const [byNewest, byPrevious] = [initiations(NEWEST), initiations(PREVIOUS)];
  const inTwo = core(NEWEST, { ...TWO, ...IN_LOAD });
  const [alone = 0, newest = 0, previous = 0] = best([
    flood(core(NEWEST, IN_LOAD), byNewest),
    flood(inTwo, byNewest),
    flood(inTwo, byPrevious),
  ]);
  return [
    ...lines('stranger', strangers, 2.2),
    ...lines('cookie', [alone, newest], 1.1),
    ...lines('cookie_previous', [alone, previous], 1.3),
    ...lines('packet', best([data(core(NEWEST)), data(core(NEWEST, TWO))]), 1.1),
  ];
};
