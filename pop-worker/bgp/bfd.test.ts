import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needsRoot } from '#host/testing/namespace.ts';
import { startThread } from '#pop-worker/routing/bfd/testing/heard.ts';
import { testLink } from '#pop-worker/routing/bgp/testing/link.ts';
import { BgpSide, until } from '#pop-worker/routing/bgp/testing/side.ts';
import { slotOf } from '#telemetry/slots.ts';

const MAIN = fileURLToPath(new URL('testing/run.ts', import.meta.url));
const WEDGE = fileURLToPath(new URL('../testing/wedge.ts', import.meta.url));
const METRICS = '127.0.0.1:9463';
const DETECTION_MS = 150;

/** `cloudbridge bgp run` with a neighbour that does BFD, 3 times 50 ms. */
const made = async (t: TestContext) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-bgp-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string): string => path.join(folder, name);
  const [a, b] = testLink(t);
  const bfd = startThread(t, { namespace: b.path });
  const router = new BgpSide(t, b, 64_500, { bfd: bfd.seat() });
  const neighbor = {
    ...{ address: b.address4, as: 64_500, local_address: a.address4, families: ['ipv4-unicast'], passive: true },
    ...{ gtsm_hops: 1, bfd_interval_ms: 50, export: 'own' },
  };
  const config = {
    ...{ as: 64_512, router_id: a.address4, socket: file('bgp.sock'), metrics: METRICS, neighbor: [neighbor] },
    originate: [{ prefix: '198.51.100.0/24' }],
  };
  writeFileSync(file('bgp.json'), JSON.stringify(config));
  const command = [process.execPath, '--import', WEDGE, MAIN, file('bgp.json')];
  const child = spawn('ip', ['netns', 'exec', a.namespace, ...command], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, CBR_TEST_WEDGE_BGP: file('bgp'), CBR_TEST_WEDGE_MAIN: file('main') },
  });
  t.after(() => child.kill('SIGKILL'));
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const speaker = { end: a, as: 64_512 } as unknown as BgpSide;
  const direct = { hopLimit: 255, leastHopLimit: 255 };
  router.add(speaker, { tcp: direct, bfd: { intervalMs: 50, multiplier: 3 } });
  const up = async (): Promise<void> => {
    await router.up();
    await until('BFD is Up, and quick', async () => {
      const { state, detectionMs } = (await router.status()).bfd ?? {};
      return state === 'up' && detectionMs === DETECTION_MS;
    });
  };
  const metric = (series: string): number => {
    const ask = ['netns', 'exec', a.namespace, 'curl', '-s', `http://${METRICS}/metrics`];
    const lines = execFileSync('ip', ask, { encoding: 'utf8' }).split('\n');
    return Number(lines.find((line) => line.startsWith(`${series} `))?.slice(series.length + 1));
  };
  /** Sessions of BFD that the router had Up and has no longer. */
  const failed = (): number =>
    (['silence', 'neighbour', 'forwarding'] as const).reduce(
      (sum, reason) => sum + (bfd.slots[slotOf('cloudbridge_bfd_failures_total', { reason })] as number),
      0,
    );
  /** A thread does nothing for so long. */
  const wedge = async (thread: 'bgp' | 'main', ms: number): Promise<void> => {
    writeFileSync(file(thread), `${ms}`);
    await until('it has gone on', () => !existsSync(file(thread)));
  };
  return { router, up, metric, failed, wedge, file, log: () => log };
};

test('a main or BGP thread that does nothing for longer than the Detection Time makes no session flap', {
  skip: needsRoot,
}, async (t) => {
  const { router, up, metric, failed, wedge, log } = await made(t);
  await up();
  await wedge('bgp', 400);
  await wedge('main', 400);
  // Neighbours need nothing of the main thread.
  await wedge('main', 3000);
  await up();
  const lost = router.endings.filter((text) => /BFD|Hold Timer/.test(text));
  assert.deepEqual([failed(), (await router.status()).sessions, lost], [0, 1, []], log());
  assert.equal(metric('cloudbridge_bfd_sessions_count{state="up"}'), 1);
  assert.equal(metric('cloudbridge_bfd_missed_beats_total{thread="bgp"}'), 0);
});

test('a BGP thread that is stuck is seen by the neighbour within seconds, and has its session again', {
  skip: needsRoot,
}, async (t) => {
  const { router, up, metric, failed, file, log } = await made(t);
  await up();
  writeFileSync(file('bgp'), '');
  await until('the neighbour has ended the session', () => router.endings.some((text) => /BFD has found/.test(text)));
  assert.equal(failed(), 1);
  await until('it is told', () => /BFD has all sessions down: a thread is stuck","thread":"bgp"/.test(log()));
  assert.equal(metric('cloudbridge_bfd_missed_beats_total{thread="bgp"}'), 1);
  assert.equal(metric('cloudbridge_bfd_failures_total{reason="forwarding"}'), 1);
  rmSync(file('bgp'));
  await up();
  assert.equal((await router.status()).sessions, 2, log());
});
