import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ConfigError } from '#settings/toml-file.ts';
import { parseWorkerConfig } from './config.ts';
import { handoffSetupOf } from './handoff-files.ts';
import { sharedByThreads } from './shared-by-threads.ts';

const file = (handoff: string, tls = 'reset_key = "reset.key"', listen = ''): string => `pop = "p"
worker = "w1"
[listen]
addresses = ["192.0.2.1"]
${listen}
[tls]
certificate = "a"
key = "b"
${tls}
[static]
issuer = "https://i"
jwks = "j"
tenants = []
${handoff}`;
const OWN = '[handoff]\nworker = 1\naddress = "10.9.0.1"\n';
const peer = (worker: number, more = ''): string =>
  `[[handoff.peers]]\nworker = ${worker}\naddress = "10.9.0.2"\nkey = "peer.key"\n${more}\n`;

test('defaults, and keys beside the file', () => {
  const { handoff } = parseWorkerConfig(file(OWN + peer(2)), '/etc/w.toml');
  assert.deepEqual(handoff, {
    ...{ worker: 1, address: '10.9.0.1', port: 7443, peer_megabits: 1000, source_megabits: 200, mtu: 1500 },
    peers: [{ worker: 2, address: '10.9.0.2', port: 7443, threads: 1, key: '/etc/peer.key', mtu: 1500 }],
  });
});

const MESH = `[mesh]
member = 7
listen = { address = "10.9.0.7" }
certificate = "m.pem"
key = "m.key"
authority = "ca.pem"
peers = [{ member = 8, name = "eight", address = "10.9.0.8" }, { member = 9, name = "nine", address = "10.9.0.9" }]
`;

test('beside a mesh the section may be empty: number, address and peers are those of the mesh', () => {
  const { handoff, mesh } = parseWorkerConfig(file(`${MESH}[handoff]\n`), '/etc/w.toml');
  assert.deepEqual([handoff?.worker, handoff?.address, handoff?.peers], [7, '10.9.0.7', []]);
  const reset = new Uint8Array(32).fill(1);
  const { peers } = handoffSetupOf(
    handoff ?? assert.fail(),
    reset,
    9,
    mesh?.peers.map(({ pin: _, ...peer }) => peer),
  );
  assert.deepEqual(
    peers.map(({ worker, address, port, staticKey }) => [worker, address, port, staticKey]),
    [
      [8, '10.9.0.8', 7443, undefined],
      [9, '10.9.0.9', 7443, undefined],
    ],
  );
  assert.notDeepEqual(peers[0]?.resetKey, peers[1]?.resetKey);
});

test('a mesh whose numbers come from the control plane needs neither number nor peers', () => {
  const bare = MESH.replace('member = 7\n', '').replace(/peers = .*\n/, '');
  const control = '[control]\nservers = ["nats://10.0.0.1:4222"]\nrevision_keys = { a = "b" }\n';
  const text = file(`${bare}[handoff]\n`).replace(
    '[static]\nissuer = "https://i"\njwks = "j"\ntenants = []\n',
    control,
  );
  const { handoff, mesh } = parseWorkerConfig(text, '/etc/w.toml');
  assert.deepEqual([mesh?.member, mesh?.peers, handoff?.address], [undefined, [], '10.9.0.7']);
  for (const [wrong, reason] of [
    [text.replace('[handoff]', '[handoff]\nworker = 3'), /handoff\.worker: the number comes from the control plane/],
    [file(bare), /mesh\.member: without \[control\] nobody else gives the worker its number/],
  ] as const) {
    assert.throws(() => parseWorkerConfig(wrong, 'w.toml'), reason);
  }
});

test('what cannot be is refused by a sentence', () => {
  for (const [text, reason] of [
    [file(OWN, ''), /needs tls\.reset_key, the same one at all workers/],
    [file(OWN + peer(1)), /two workers have the number 1/],
    [file(OWN + peer(2) + peer(2)), /two workers have the number 2/],
    [file(OWN + peer(2, 'port = 65535\nthreads = 2')), /worker 2 has not enough ports from 65535/],
    [file(`${OWN}port = 65535\n`, undefined, 'threads = 2'), /there are not 2 ports from 65535/],
    [file(OWN + peer(65_536)), /handoff\.peers/],
    [file(OWN + peer(2, 'mtu = 1279')), /mtu/],
    [file(OWN + peer(2, 'threads = 65')), /threads/],
    [file(OWN.replace('10.9.0.1', 'here')), /handoff\.address/],
    [file('[handoff]\nworker = 1\n'), /worker and address must be there without \[mesh\]/],
    [file(MESH + OWN), /handoff\.worker: it is 1, and 7 as mesh\.member/],
  ] as const) {
    assert.throws(
      () => parseWorkerConfig(text, 'w.toml'),
      (error) => error instanceof ConfigError && reason.test(error.message),
      `${reason}`,
    );
  }
});

test('peers’ keys are files of 32 bytes that only their owner reads', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-handoff-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const reset = new Uint8Array(32).fill(1);
  const config = parseWorkerConfig(file(OWN + peer(2)), path.join(folder, 'w.toml'));
  const handoff = config.handoff ?? assert.fail();
  const setup = () => handoffSetupOf(handoff, reset, 9);
  assert.throws(setup, /the key of a peer .* cannot be read/);
  const key = path.join(folder, 'peer.key');
  writeFileSync(key, Buffer.alloc(32, 5), { mode: 0o644 });
  assert.throws(setup, ConfigError);
  rmSync(key);
  writeFileSync(key, Buffer.alloc(31, 5), { mode: 0o600 });
  assert.throws(setup, /has 31 bytes and not 32: `head -c 32 \/dev\/urandom` makes one/);
  writeFileSync(key, Buffer.alloc(32, 5));
  const made = setup();
  assert.deepEqual([made.worker, made.epoch, made.peerBytesPerSecond], [1, 9, 125_000_000]);
  const [two] = made.peers;
  assert.deepEqual(two?.staticKey, new Uint8Array(32).fill(5));
  // What others reset in the name of worker 2 is what worker 2 tells its devices.
  const tls = { certificate: '', key: '', ticketKeys: [], resetKey: reset, tokenKey: reset };
  const ofTwo = sharedByThreads({ ...config, handoff: { ...handoff, worker: 2 } }, tls, 1);
  assert.deepEqual(two?.resetKey, ofTwo.tls.resetKey);
  assert.notDeepEqual(two?.resetKey, sharedByThreads(config, tls, 1).tls.resetKey);
  assert.deepEqual(ofTwo.cids.keys, sharedByThreads(config, tls, 1).cids.keys, 'they read each other’s connection IDs');
  assert.deepEqual([...ofTwo.cids.worker], [0, 0, 0, 0, 0, 0, 2]);
});
