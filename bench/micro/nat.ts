/**
 * NAT44 of the data plane: nanoseconds of CPU a packet of 60 bytes, each way, translated by a table of as many sessions; beside it
 * the change of addresses alone that the data plane does for the kernel's masquerade. usage: node bench/micro/nat.ts [--json]
 */
import { native } from '#host/native.ts';
import { checksum, writeWord } from '#protocol/ip/checksum.ts';
import { rewriteAddress } from '#protocol/ip/rewrite.ts';
import { parsePrefix } from '#protocol/ip/text.ts';
import { IpView, Protocol } from '#protocol/ip/view.ts';
import { Nat44 } from '#protocol/nat/nat.ts';
import { Pool } from '#protocol/nat/pool.ts';

const PACKETS = 4096;
const ROUNDS = 7;
const ROUND_US = 100_000;
const SYN = 0x02;
const json = process.argv.includes('--json');

const packetOf = (source: number, destination: number, from: number, to: number, flags: number): Uint8Array => {
  const bytes = new Uint8Array(60);
  bytes[0] = 0x45;
  writeWord(bytes, 2, bytes.length);
  bytes[8] = 64;
  bytes[9] = Protocol.tcp;
  for (const [at, address] of [[12, source] as const, [16, destination] as const]) {
    writeWord(bytes, at, address >>> 16);
    writeWord(bytes, at + 2, address & 0xffff);
  }
  writeWord(bytes, 20, from);
  writeWord(bytes, 22, to);
  bytes[32] = 0x50;
  bytes[33] = flags;
  writeWord(bytes, 10, checksum(bytes, 0, 20));
  return bytes;
};

/** The median over rounds of the mean CPU time of a packet, in nanoseconds. @param prepare is not counted */
const measure = (prepare: () => void, act: (i: number) => void): number => {
  const means: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    let [packets, spent] = [0, 0];
    while (spent < ROUND_US) {
      prepare();
      const start = native.threadCpuUs();
      for (let i = 0; i < PACKETS; i++) act(i);
      spent += native.threadCpuUs() - start;
      packets += PACKETS;
    }
    if (round > 0) means.push((spent * 1000) / packets);
  }
  return means.sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN;
};

const report = (name: string, value: number): void => {
  if (json)
    console.log(JSON.stringify({ suite: 'nat', case: name, metric: 'cpu', value, unit: 'ns/packet', runs: ROUNDS }));
  else console.log(`${name.padEnd(28)} ${value.toFixed(0).padStart(6)} ns/packet`);
};

const prefix = parsePrefix('203.0.113.0/24');
if (prefix === undefined) throw new Error('no prefix');

const run = (sessions: number): void => {
  const pool = new Pool([prefix], 1024);
  const nat = new Nat44({ pool, random: { fill: (bytes) => crypto.getRandomValues(bytes) }, mostFlows: 2_000_000 });
  const view = new IpView();
  const perDevice = 500;
  const owners = Array.from({ length: Math.ceil(sessions / perDevice) }, (_, i) => nat.owners.open(i));
  const up: { owner: number; bytes: Uint8Array; down: Uint8Array }[] = [];
  for (let i = 0; i < sessions; i++) {
    const owner = owners[Math.floor(i / perDevice)] as number;
    const bytes = packetOf(0x0a400002, 0xc6336401 + (i % 200), 40_000 + (i % perDevice), 443, SYN);
    view.parse(bytes, 0, 60);
    const original = bytes.slice();
    nat.outbound(owner, bytes, view);
    const from = (bytes[20] as number) * 256 + (bytes[21] as number);
    const outside = nat.owners.address(owner);
    const down = packetOf(0xc6336401 + (i % 200), outside, 443, from, SYN | 0x10);
    original[33] = 0x10;
    if (i % Math.max(1, Math.floor(sessions / PACKETS)) === 0 && up.length < PACKETS)
      up.push({ owner, bytes: original, down });
  }
  while (up.length < PACKETS) up.push(up[up.length % sessions] as (typeof up)[number]);
  const work = up.map(({ owner, bytes, down }) => ({
    owner,
    bytes,
    down,
    out: new Uint8Array(60),
    in: new Uint8Array(60),
  }));
  const prepare = (): void => {
    for (const one of work) {
      one.out.set(one.bytes);
      one.in.set(one.down);
    }
  };
  report(
    `out, ${sessions} sessions`,
    measure(prepare, (i) => {
      const one = work[i] as (typeof work)[number];
      view.parse(one.out, 0, 60);
      if (nat.outbound(one.owner, one.out, view) !== 0) throw new Error('not translated');
    }),
  );
  report(
    `in, ${sessions} sessions`,
    measure(prepare, (i) => {
      const one = work[i] as (typeof work)[number];
      view.parse(one.in, 0, 60);
      if (nat.blockOf(one.in, view) < 0 || nat.find(one.owner, one.in, view) !== 0) throw new Error('not let in');
      nat.admit(one.owner, one.in, view);
    }),
  );
  if (sessions > 1) return;
  const carrier = Uint8Array.of(100, 64, 0, 9);
  report(
    'address of a carrier alone',
    measure(prepare, (i) => {
      const one = work[i] as (typeof work)[number];
      view.parse(one.out, 0, 60);
      rewriteAddress(one.out, view, view.sourceAt, carrier);
    }),
  );
};

for (const sessions of [1, 1000, 100_000]) run(sessions);
