/**
 * Packet protection in batches: nanoseconds of CPU a 1350-byte packet, sealed and opened, for every suite.
 * Lines of one packet a call carry the cost of reading the CPU clock, about a microsecond.
 * usage: node bench/micro/aead.ts [--json]
 */
import { native } from '#host/native.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { CipherSuite, PACKET_WORDS, TAG_BYTES } from '#protocol/quic/ports.ts';

const PACKET_BYTES = 1350;
const NUMBER_OFFSET = 9;
const HEADER_BYTES = NUMBER_OFFSET + 4;
const ROUNDS = 7;
const ROUND_NS = 60_000_000;
const json = process.argv.includes('--json');

const report = (suite: string, metric: string, batch: number, nanoseconds: number): void => {
  if (json) {
    const line = {
      suite: 'aead',
      case: `${suite}-${batch}`,
      metric,
      value: nanoseconds,
      unit: 'ns/packet',
      runs: ROUNDS,
    };
    console.log(JSON.stringify(line));
  } else {
    const gbits = ((PACKET_BYTES * 8) / nanoseconds).toFixed(1);
    console.log(
      `${suite.padEnd(18)} ${metric.padEnd(5)} x${String(batch).padEnd(4)} ${nanoseconds.toFixed(0).padStart(6)} ns/packet ${gbits.padStart(6)} Gbit/s`,
    );
  }
};

/** The median over rounds of the mean CPU time of one call, in nanoseconds; `prepare` runs before each call and is not counted. */
const measure = (prepare: () => void, call: () => void): number => {
  const means: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    let [calls, spent] = [0, 0];
    while (spent < ROUND_NS) {
      prepare();
      const start = native.threadCpuUs();
      call();
      spent += (native.threadCpuUs() - start) * 1000;
      calls++;
    }
    // The first round warms up.
    if (round > 0) means.push(spent / calls);
  }
  return means.sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN;
};

const benchmark = (name: string, suite: CipherSuite, batch: number): void => {
  const secret = new Uint8Array(suite === CipherSuite.aes256Gcm ? 48 : 32).fill(1);
  const sealer = opensslCrypto.sealer(1, suite, secret);
  const opener = opensslCrypto.opener(1, suite, secret);
  const plain = Buffer.alloc(batch * PACKET_BYTES, 0x43);
  const sealing = new Int32Array(batch * PACKET_WORDS);
  const opening = new Int32Array(batch * PACKET_WORDS);
  for (let i = 0; i < batch; i++) {
    plain.writeUInt32BE(i, i * PACKET_BYTES + NUMBER_OFFSET);
    sealing.set([i * PACKET_BYTES, HEADER_BYTES, PACKET_BYTES - HEADER_BYTES - TAG_BYTES, 0], i * PACKET_WORDS);
    opening.set([i * PACKET_BYTES, NUMBER_OFFSET, PACKET_BYTES, 0], i * PACKET_WORDS);
    plain[i * PACKET_BYTES] = 0x43;
  }
  const numbers = Float64Array.from({ length: batch }, (_, index) => index);
  const buffer = Buffer.from(plain);
  const restore = (): void => void plain.copy(buffer);
  report(name, 'seal', batch, measure(restore, () => sealer.seal(buffer, sealing, numbers, batch)) / batch);

  restore();
  sealer.seal(buffer, sealing, numbers, batch);
  const protectedPackets = Buffer.from(buffer);
  const words = opening.slice();
  const arrive = (): void => {
    protectedPackets.copy(buffer);
    words.set(opening);
  };
  let opened = 0;
  const openAll = (): void => {
    opened = opener.open(buffer, words, numbers, batch, -1);
  };
  report(name, 'open', batch, measure(arrive, openAll) / batch);
  if (opened !== batch) throw new Error(`${name}: ${opened} of ${batch} packets opened`);
};

for (const [name, suite] of Object.entries(CipherSuite)) {
  for (const batch of [1, 8, 64]) benchmark(name, suite, batch);
}
