/**
 * The balancer in XDP: nanoseconds a packet of BPF_PROG_TEST_RUN, medians, for one client, 65,536 clients and a new source with
 * each packet; beside it a hash of the flow and the same header around it. Needs root. usage: node bench/micro/xdp-balance.ts [--json]
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { BpfMap } from '#host/bpf/map.ts';
import { BpfObject } from '#host/bpf/object.ts';
import { XdpVerdict } from '#host/bpf/program.ts';
import { Balancer } from '#pop-worker/xdp/balance/balancer.ts';
import { balanceSettings, linesOf } from '#pop-worker/xdp/balance/settings.ts';
import { CONSTANT_BYTES, CONSTANTS, MAPS } from '#pop-worker/xdp/gen/bench.ts';
import { backend, hopTo, SEED, service } from '#pop-worker/xdp/testing/balanced.ts';
import { ip } from '#pop-worker/xdp/testing/frames.ts';
import { tcp, udp } from '#protocol/ip/testing/packets.ts';
import { CidCodec } from '#protocol/quic-lb/codec.ts';

const REPEAT = 1_000_000;
const ROUNDS = 9;
const CONNECTIONS = 2 ** 20;
const BACKENDS = 16;
const PROGRAMS = {
  floor_drop: 'nothing: dropped at once',
  floor_encap: 'hash and header alone',
  floor_chosen: 'the same, and another source each time',
  balance_steady: 'one connection',
  balance_many: '65,536 connections, by chance',
  balance_random: 'a new source each time, in a full table',
} as const;
const json = process.argv.includes('--json');

const options = {
  ...{ connections: CONNECTIONS, answersEcho: true },
  timeouts: { new: 10, tcp: 3600, udp: 30, closing: 10 },
};
const backends = Array.from({ length: BACKENDS }, (_, i) => backend(`192.0.2.${i + 1}`));
const QUIC_PLAIN = { id: 0, serverIdBytes: 4, nonceBytes: 8, key: undefined };
const QUIC_KEY = { id: 1, serverIdBytes: 4, nonceBytes: 12, key: new Uint8Array(16).fill(7) };
const serverIds = [0, 1].map((config) => ({ config, id: new Uint8Array(4) }));
const aes = (key: Uint8Array) => {
  const block = (make: typeof createCipheriv | typeof createDecipheriv) => (bytes: Uint8Array, at: number) => {
    const cipher = make('aes-128-ecb', key, null);
    cipher.setAutoPadding(false);
    bytes.set(cipher.update(bytes.subarray(at, at + 16)), at);
  };
  return { encrypt: block(createCipheriv), decrypt: block(createDecipheriv) };
};
const services = [
  service('203.0.113.11', [backend('192.0.2.1', { serverIds })], { isQuic: true }),
  service('203.0.113.10', backends, { protocol: 'tcp', port: 443 }),
];
const constants = new Uint8Array(CONSTANT_BYTES);
const settings = { ...balanceSettings(options, services), dropsMartians: 1, hasLists: 1, flowSeed: SEED };
CONSTANTS.settings.record.write(settings, constants, CONSTANTS.settings.at);
const file = readFileSync(new URL('../../bpf/gen/bench.o', import.meta.url));
const object = BpfObject.load(file, 'bench', { constants, most: { connections: linesOf(options) } });
const maps = new Map<string, BpfMap>();
const map = (name: keyof typeof MAPS): BpfMap => {
  const known = maps.get(name) ?? object.map(MAPS[name].name);
  maps.set(name, known);
  return known;
};
const balancer = new Balancer({ map }, (address) => hopTo(address));
balancer.setAll(services);

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

const frame = ip({ source: '10.64.0.2', destination: '203.0.113.10', protocol: 6, payload: tcp({ flags: 0x10 }) });
const EXPECTED: Partial<Record<keyof typeof PROGRAMS, number>> = { floor_drop: XdpVerdict.drop };
const figures: { name: string; what: string; ns: number }[] = (Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[]).map(
  (name) => {
    const program = object.program(name);
    program.test(frame, REPEAT);
    const rounds = Array.from({ length: ROUNDS }, () => program.test(frame, REPEAT));
    const verdict = EXPECTED[name] ?? XdpVerdict.tx;
    if (rounds.some((round) => round.verdict !== verdict)) throw new Error(`${name} does not do what is measured`);
    program.close();
    return { name, what: PROGRAMS[name], ns: median(rounds.map(({ ns }) => ns)) };
  },
);
/** QUIC packets of a service whose backends their connection IDs name. */
const quicFigures = [QUIC_PLAIN, QUIC_KEY].map(({ id, serverIdBytes, nonceBytes, key }) => {
  balancer.setConfigs([{ id, serverIdBytes, nonceBytes, encodesLength: false, key }]);
  const cid = new Uint8Array(1 + serverIdBytes + nonceBytes);
  new CidCodec({ id, serverIdBytes, nonceBytes, encodesLength: false, key }, aes).seal(cid, 0, 0);
  const payload = udp(Uint8Array.from([0x40, ...cid, ...new Uint8Array(40)]));
  const quic = ip({ source: '10.64.0.2', destination: '203.0.113.11', payload });
  const before = balancer.status().choices.named;
  const program = object.program('balance_steady');
  const rounds = Array.from({ length: ROUNDS }, () => program.test(quic, REPEAT));
  if (balancer.status().choices.named - before !== ROUNDS * REPEAT) throw new Error('a connection ID names nobody');
  program.close();
  return {
    name: key ? 'quic_key' : 'quic_plain',
    what: `a connection ID ${key ? 'under a key' : 'without a key'}`,
    ns: median(rounds.map(({ ns }) => ns)),
  };
});
figures.push(...quicFigures);
const { connections, choices } = balancer.status();
if (json) console.log(JSON.stringify({ figures, connections, choices }));
else {
  for (const { what, ns } of figures) console.log(`${String(ns).padStart(6)} ns  ${what}`);
  console.log(`${connections.total} of ${connections.places} places taken; ${choices.known} known, ${choices.new} new`);
}
for (const each of maps.values()) each.close();
object.close();
