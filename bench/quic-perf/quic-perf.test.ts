import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { DEFAULT_CONTROLLER } from '#protocol/congestion/registry.ts';
import { PerfClient, type Target } from './client.ts';
import type { PerfEndpoint } from './endpoint.ts';
import { type Figures, MEASURES, type Wanted } from './measure.ts';
import { BAD_REQUEST, decodeCount, decodeRequest, encodeCount, encodeRequest, ROUND_BYTES } from './request.ts';
import { listening, servePerf } from './server.ts';

const WANTED: Wanted = { streams: 1, bytes: 1_000_000, concurrency: 2, count: 10, mode: 'full' };
const directory = mkdtempSync(join(tmpdir(), 'cloudbridge-perf-'));
const [certificate, key, ca] = ['cert.pem', 'key.pem', 'ca.pem'].map((name) => join(directory, name)) as [
  string,
  string,
  string,
];
let server: PerfEndpoint;
let target: Target;

before(() => {
  const authority = createAuthority();
  const identity = authority.issue('perf.test');
  writeFileSync(certificate, identity.certificateChain as string);
  writeFileSync(key, identity.privateKey as string, { mode: 0o600 });
  writeFileSync(ca, authority.pem);
  server = servePerf({ address: '127.0.0.1', port: 0, certificate, key, controller: DEFAULT_CONTROLLER });
  const port = Number(listening(server).split(':')[1]);
  target = { address: '127.0.0.1', port, controller: DEFAULT_CONTROLLER };
});

after(() => {
  server.driver.close();
  rmSync(directory, { recursive: true });
});

const measured = async (name: keyof typeof MEASURES, wanted: Partial<Wanted> = {}): Promise<Figures> => {
  const all: Figures[] = [];
  await MEASURES[name](target, { ...WANTED, ...wanted }, (figures) => all.push(figures));
  assert.equal(all.length, 1);
  return all[0] as Figures;
};

test('requests and counts read back as they were written; what is none is refused', () => {
  assert.deepEqual(decodeRequest(encodeRequest('D', 2 ** 40)), { command: 'D', value: 2 ** 40 });
  assert.equal(encodeRequest('R', 0, ROUND_BYTES).length, 1024);
  assert.equal(decodeCount(encodeCount(4_000_000_000)), 4_000_000_000);
  assert.equal(decodeRequest(encodeRequest('D', 1).subarray(0, 8)), undefined);
  assert.equal(decodeRequest(Buffer.alloc(9)), undefined);
  assert.equal(decodeRequest(Buffer.from([68, 255, 255, 255, 255, 255, 255, 255, 255])), undefined);
  assert.equal(decodeCount(new Uint8Array(3)), 0);
});

test('handshake threads make full, resumed and early handshakes', async () => {
  const threaded = servePerf({
    ...{ address: '127.0.0.1', port: 0, certificate, key, controller: DEFAULT_CONTROLLER, handshakeThreads: 1 },
  });
  const at = { ...target, port: Number(listening(threaded).split(':')[1]) };
  try {
    for (const mode of ['full', 'resumed', '0rtt'] as const) {
      const all: Figures[] = [];
      await MEASURES.hs(at, { ...WANTED, mode }, (figures) => all.push(figures));
      const { handshakes, resumed, early } = all[0] as Figures;
      assert.deepEqual([handshakes, resumed, early], [10, mode === 'full' ? 0 : 10, mode === '0rtt' ? 10 : 0]);
    }
    assert.equal(threaded.endpoint.counters.accepted, 30 + 2 * WANTED.concurrency);
  } finally {
    threaded.driver.close();
  }
});

test('bulk brings the bytes that were asked for, over one stream or seven', async () => {
  for (const streams of [1, 7]) {
    const { bytes, secs, gbps, rx_packets } = await measured('bulk', { streams });
    assert.equal(bytes, 1_000_000);
    assert.ok(Math.abs((gbps as number) - (8 * 1e6) / (secs as number) / 1e9) < 1e-3 * (gbps as number));
    assert.ok((rx_packets as number) >= 680);
  }
});

test('bulk ends when its time is over', async () => {
  const { bytes, secs } = await measured('bulk', { seconds: 0.2 });
  assert.ok((bytes as number) > 0);
  // A timer may be a millisecond early.
  assert.ok((secs as number) > 0.19 && (secs as number) < 5);
});

test('dgram tells how many were sent and how many came', async () => {
  const { sent, received, loss_pct } = await measured('dgram', { seconds: 0.3 });
  assert.ok((sent as number) > 100);
  assert.ok((received as number) > 0 && (received as number) <= (sent as number));
  assert.ok((loss_pct as number) >= 0 && (loss_pct as number) < 100);
});

test('handshakes are counted by what they were', async () => {
  const counts = async (mode: Wanted['mode']) => {
    const { handshakes, resumed, early, failed } = await measured('hs', { mode });
    return [handshakes, resumed, early, failed];
  };
  assert.deepEqual(await counts('full'), [10, 0, 0, 0]);
  assert.deepEqual(await counts('resumed'), [10, 10, 0, 0]);
  assert.deepEqual(await counts('0rtt'), [10, 10, 10, 0]);
});

test('rr measures each answer', async () => {
  const { requests, rps, p50_us, p99_us } = await measured('rr', { count: 50, concurrency: 8 });
  assert.equal(requests, 50);
  assert.ok((rps as number) > 0);
  assert.ok(0 < (p50_us as number) && (p50_us as number) <= (p99_us as number));
});

test('a request that is none, and a second flood beside the first, are refused by themselves', async () => {
  const client = new PerfClient(target);
  const perf = client.connect();
  await perf.complete.promise;
  const refused: [number, number][] = [];
  const answered = Promise.withResolvers<void>();
  perf.onAborted = (stream, code) => refused.push([stream, code]);
  perf.onData = (stream, _buffer, _start, _end, fin) => {
    if (fin && stream === last) answered.resolve();
  };
  const say = (bytes: Uint8Array): number => {
    const stream = perf.connection.openStream(true);
    perf.connection.write(stream, bytes, true);
    return stream;
  };
  const wrong = say(Buffer.from('nonsense!'));
  const short = say(Buffer.from('D'));
  const flood = say(encodeRequest('G', 100));
  const second = say(encodeRequest('G', 100));
  const last = say(encodeRequest('D', 5));
  await answered.promise;
  assert.ok(flood < second);
  assert.deepEqual(
    refused.sort(([a], [b]) => a - b),
    [wrong, short, second].map((stream) => [stream, BAD_REQUEST]),
  );
  perf.connection.close(0, '');
  await client.close();
});

test('with an authority, only its servers will do', async () => {
  const known = { ...target, authority: ca };
  await MEASURES.bulk(known, WANTED, ({ bytes }) => assert.equal(bytes, 1_000_000));
  const stranger = join(directory, 'stranger.pem');
  writeFileSync(stranger, createAuthority().pem);
  await assert.rejects(
    MEASURES.bulk({ ...target, authority: stranger }, WANTED, () => {}),
    /closed/,
  );
});

test('a key exchange can be named on either side, and both must have it', async () => {
  const post = { ...target, groups: 'X25519MLKEM768' };
  await MEASURES.hs(post, { ...WANTED, count: 2 }, ({ handshakes }) => assert.equal(handshakes, 2));
  const options = { address: '127.0.0.1', port: 0, certificate, key, controller: DEFAULT_CONTROLLER };
  const classic = servePerf({ ...options, groups: 'X25519' });
  const there = { ...target, port: Number(listening(classic).split(':')[1]) };
  await MEASURES.hs(there, { ...WANTED, count: 2 }, ({ handshakes }) => assert.equal(handshakes, 2));
  const counts = { ...WANTED, count: 2 };
  await MEASURES.hs({ ...post, port: there.port }, counts, ({ failed }) => assert.equal(failed, 2));
  classic.driver.close();
});

const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

test('idle holds connections until a line comes; options have one dash or two', async () => {
  const addr = `127.0.0.1:${target.port}`;
  const args = [CLI, 'quic-perf', 'client', '-addr', addr, '--test', 'idle', '-n', '5', '-conc', '2'];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const code = new Promise((resolve) => child.once('exit', resolve));
  const said = await new Promise<string>((resolve) => child.stdout.once('data', (data) => resolve(String(data))));
  assert.equal(JSON.parse(said).conns, 5);
  assert.equal(child.exitCode, null);
  child.stdin.write('\n');
  assert.equal(await code, 0);
});
