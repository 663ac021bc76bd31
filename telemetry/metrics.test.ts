import assert from 'node:assert/strict';
import test from 'node:test';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { exposition } from './exposition.ts';
import { CALLER_ROWS, CONFIG_ROWS, callRows, connectionRows, PROCESS_ROWS, TOKEN_ROWS } from './metrics/services.ts';
import { METRICS, type MetricSpec } from './metrics.ts';
import { allocateSlots, LAYOUT, layOut, observe, slotOf } from './slots.ts';

const SERVICE_ROWS = [
  ...callRows(['a']),
  ...CALLER_ROWS,
  ...TOKEN_ROWS,
  ...CONFIG_ROWS,
  ...connectionRows('a', '1'),
  ...PROCESS_ROWS,
];

const RECEIVED = slotOf('cloudbridge_udp_datagrams_total', { direction: 'received' });

if (isMainThread) {
  test('names follow the practices of Prometheus', () => {
    const rows: readonly MetricSpec[] = [...METRICS, ...SERVICE_ROWS];
    assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length);
    for (const spec of rows) {
      assert.match(spec.name, /^cloudbridge_[a-z0-9_]+$/);
      assert.equal(spec.name.endsWith('_total'), spec.type === 'counter', spec.name);
      assert.ok(spec.name.includes(spec.unit), `${spec.name} names its unit`);
      assert.equal(spec.buckets !== undefined, spec.type === 'histogram', spec.name);
      assert.deepEqual(spec.buckets, spec.buckets && [...spec.buckets].sort((a, b) => a - b));
      assert.doesNotMatch(spec.name, /milliseconds|percent/);
    }
  });

  test('every series has slots of its own', () => {
    const taken = new Set<number>();
    for (const { spec, at } of LAYOUT.series) {
      for (let i = 0; i < (spec.buckets ? spec.buckets.length + 2 : 1); i++) {
        assert.ok(!taken.has(at + i));
        taken.add(at + i);
      }
    }
    assert.equal(taken.size, LAYOUT.length);
  });

  test('a series that is not of the table is refused', () => {
    const labels = { direction: 'sideways' } as unknown as { direction: 'sent' };
    assert.throws(() => slotOf('cloudbridge_udp_datagrams_total', labels), /has no series/);
  });

  test('the exposition adds up threads and makes histograms cumulative', () => {
    const specs: MetricSpec[] = [
      {
        name: 'cloudbridge_a_total',
        type: 'counter',
        unit: 'a',
        labels: { kind: ['x', 'quo"te'] },
        help: 'First\nline',
        layer: 'host',
      },
      {
        name: 'cloudbridge_b_seconds',
        type: 'histogram',
        unit: 'seconds',
        labels: {},
        help: 'B',
        layer: 'host',
        buckets: [1, 2],
      },
    ];
    const { series, length } = layOut(specs);
    const threads = [new Float64Array(length), new Float64Array(length)];
    threads[0]![0] = 3;
    threads[1]![0] = 4;
    for (const [thread, value] of [
      [0, 0.5],
      [1, 1],
      [0, 1.5],
      [1, 9],
    ] as const) {
      observe(threads[thread]!, series[2]!.at, [1, 2], value);
    }
    assert.equal(
      exposition(threads, series),
      `# HELP cloudbridge_a_total First\\nline
# TYPE cloudbridge_a_total counter
cloudbridge_a_total{kind="x"} 7
cloudbridge_a_total{kind="quo\\"te"} 0
# HELP cloudbridge_b_seconds B
# TYPE cloudbridge_b_seconds histogram
cloudbridge_b_seconds_bucket{le="1"} 2
cloudbridge_b_seconds_bucket{le="2"} 3
cloudbridge_b_seconds_bucket{le="+Inf"} 4
cloudbridge_b_seconds_sum 12
cloudbridge_b_seconds_count 4
`,
    );
  });

  test('what another thread counts is read here', async () => {
    const blocks = [allocateSlots(), allocateSlots()];
    const workers = blocks.map(({ buffer }) => new Worker(new URL(import.meta.url), { workerData: buffer }));
    await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve))));
    assert.match(exposition(blocks), /^cloudbridge_udp_datagrams_total\{direction="received"\} 200000$/m);
  });
} else {
  const slots = new Float64Array(workerData as SharedArrayBuffer);
  for (let i = 0; i < 100_000; i++) slots[RECEIVED]! += 1;
}
