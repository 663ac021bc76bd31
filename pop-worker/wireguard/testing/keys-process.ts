/**
 * A process that holds keys of WireGuard, for those who look for them in its memory. A line of its input is a step of
 * `STEPS`; it prints the line once that is done.
 */
import { argv } from 'node:process';
import { createInterface } from 'node:readline';
import { Faults } from '#dataplane/faults.ts';
import { Carriers } from '#dataplane/forward/carriers.ts';
import { Forwarder } from '#dataplane/forward/forwarder.ts';
import { TenantTable } from '#dataplane/forward/tenant-table.ts';
import type { TunPort } from '#dataplane/tun-port.ts';
import { EdgeWireGuard } from '#dataplane/wireguard/edge-wireguard.ts';
import type { ThreadPeers } from '#dataplane/wireguard/thread-peers.ts';
import type { Tunnel } from '#dataplane/wireguard/tunnel.ts';
import { systemRandom } from '#host/random/random.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { enginePorts } from '#host/wireguard/engine-ports.ts';
import { privateKeyOf, rawPublicKey } from '#host/wireguard/x25519.ts';
import { type WireGuardKeys, wipeKeys } from '#model/wireguard-keys.ts';
import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import { PrefixTable } from '#protocol/ip/prefix-table.ts';
import { address } from '#protocol/ip/testing/packets.ts';
import { parsePrefix } from '#protocol/ip/text.ts';
import { newSecret } from '#protocol/secret.ts';
import { sealJob } from '#protocol/wireguard/testing/seal-job.ts';
import { UapiReader } from '#protocol/wireguard/uapi/request.ts';
import { WireGuard } from '#protocol/wireguard/wireguard.ts';
import { readWireGuardKeys, WireGuardSection } from '../../wireguard-settings.ts';
import { Interface } from '../interface.ts';
import { makeUpKey } from './made-up-key.ts';

const key = (seed: number): Uint8Array => makeUpKey(seed, newSecret(32));
const prefix = (text: string) => parsePrefix(text) as NonNullable<ReturnType<typeof parsePrefix>>;

const edgeOf = (): EdgeWireGuard => {
  const tenants = new TenantTable(new Carriers(prefix('100.64.0.0/16')));
  tenants.defineTenant('red', [prefix('10.64.0.0/10')]);
  const forwarder = new Forwarder({
    ...{ tenants, egress: { add: () => true }, router4: address('192.0.2.1'), router6: address('2001:db8:a::1') },
    refused: { refused4: new PrefixTable(4), refused6: new PrefixTable(16) },
  });
  const edge: EdgeWireGuard = new EdgeWireGuard({
    setup: {
      ...{ privateKey: key(1), previousPrivateKey: key(2) },
      ...{ port: 51_820, mtu: 1420, mostPeers: 100, handshakesASecond: 1000 },
    },
    ...{ socket: UdpSocket.open({ address: '127.0.0.1', port: 0 }), tenants, forwarder, faults: new Faults(() => {}) },
    ...{ notify: () => {}, settles: true, others: undefined, index: 0, threads: 1, handoff: undefined },
    admission: { objection: () => undefined },
    tunPort: { flush: () => {} } as unknown as TunPort,
    endFor: () => {},
    mayRun: () => true,
    afterTurn: () => {},
  });
  return edge;
};

/** Held for as long as the process runs: only wiping makes them go. */
const given: Uint8Array[] = [];

const peer = (number: number, seed: number): WireGuardPeer => {
  const presharedKey = key(seed);
  given.push(presharedKey);
  return {
    ...{ tenant: 'red', device: `d${number}`, number, egress: true, sources: [`10.64.0.${number}/32`] },
    publicKey: rawPublicKey(privateKeyOf(new Uint8Array(32).fill(number))),
    presharedKey,
  };
};

const edge = edgeOf();
const NONE = new Uint8Array();
const change = (peers: Partial<ThreadPeers>): void =>
  edge.changePeers({ changed: [], removed: [], elsewhere: NONE, nowhere: NONE, ...peers });

/** An interface as its socket has it, without a TUN below. */
const core = new WireGuard({
  ...{ privateKey: new Uint8Array(32).fill(9), ports: enginePorts(), random: systemRandom, unixUs: () => 0 },
  sink: { packets: () => {}, confirmed: () => {}, moved: () => {} },
});
const held = new Interface({ core, close: () => core.close() } as unknown as Tunnel);

/** Digits of a key, made and wiped without text. */
const hexInto = (seed: number, line: Uint8Array, at: number): void => {
  const bytes = key(seed);
  for (const [i, byte] of bytes.entries()) {
    line[at + 2 * i] = '0123456789abcdef'.charCodeAt(byte >>> 4);
    line[at + 2 * i + 1] = '0123456789abcdef'.charCodeAt(byte & 15);
  }
  bytes.fill(0);
};

/** Lines of a `set=1`; a number is that of a key. */
const set = (...lines: readonly (string | readonly [name: string, key: number])[]): void => {
  const reader = new UapiReader();
  for (const each of ['set=1', ...lines, '']) {
    const [name, seed] = typeof each === 'string' ? [each] : each;
    const line = new Uint8Array(name.length + (seed === undefined ? 0 : 64));
    for (let i = 0; i < name.length; i++) line[i] = name.charCodeAt(i);
    if (seed !== undefined) hexInto(seed, line, name.length);
    const request = reader.push(line, 0, line.length);
    if (request?.kind === 'set') held.set(request);
  }
};

const PEER = `public_key=${'09'.padEnd(64, '0')}`;
const NOBODY = `public_key=${'0a'.padEnd(64, '0')}`;

const ciphers = [enginePorts(true), enginePorts(false)] as const;
let keys: WireGuardKeys | undefined;
let numbers: readonly number[] = [];

/** A message with each key. */
const use = (): void => {
  numbers = ciphers.map(({ transport }, i) => {
    const secret = key(31 + i);
    const number = transport.add(secret);
    secret.fill(0);
    transport.seal(
      new Uint8Array(100),
      new Uint8Array(200),
      sealJob({ key: number, receiver: 1, low: 0, length: 64 }),
      1,
      0,
    );
    return number;
  });
};

const STEPS: Readonly<Record<string, () => unknown>> = {
  // Two devices, with the preshared keys 11 and 12.
  peers: () => change({ changed: [peer(1, 11), peer(2, 12)] }),
  // The first has another preshared key.
  change: () => change({ changed: [peer(1, 13)] }),
  // The second is no device any more.
  remove: () => change({ removed: [2] }),
  // Another key of the fleet, in place of both.
  keys: () => edge.setKeys({ privateKey: key(3) }),
  close: () => edge.close(),
  // What is said twice counts the second time; of a peer that there is not to be nothing is kept.
  told: () =>
    set(
      ...[['private_key=', 23] as const, ['private_key=', 21] as const],
      ...[PEER, ['preshared_key=', 24] as const, ['preshared_key=', 22] as const],
      ...[NOBODY, 'update_only=true', ['preshared_key=', 25] as const],
    ),
  again: () => set(['private_key=', 21], PEER, ['preshared_key=', 22]),
  other: () => set(['private_key=', 26], PEER, ['preshared_key=', 27]),
  down: () => held.close(),
  use,
  // The keys of a worker's file.
  read: () => {
    keys = readWireGuardKeys(WireGuardSection.parse({ private_key_file: argv[2] }));
  },
  wiped: () => keys !== undefined && wipeKeys(keys),
  forget: () => {
    for (const [i, { transport }] of ciphers.entries()) transport.forget(numbers[i] as number);
  },
};

for await (const step of createInterface(process.stdin)) {
  STEPS[step]?.();
  // Peers are changed some at a time.
  for (let i = 0; i < 10; i++) await new Promise(setImmediate);
  // What Node itself copied it wipes when it collects it.
  (globalThis as { gc?: () => void }).gc?.();
  await new Promise(setImmediate);
  console.log(step);
}
