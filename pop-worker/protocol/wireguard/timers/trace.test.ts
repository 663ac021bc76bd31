import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { act, type HostName, type Scenario, type Trace, type TraceEvent } from '../testing/traces/act.ts';

const read = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../testing/traces/${name}`, import.meta.url), 'utf8')) as T;
const scenarios = read<Scenario[]>('scenarios.json');
const traces = read<Trace[]>('wireguard-go.json');

/** Between two attempts there may be so much more than five seconds. */
const JITTER_MS = 334;
/** What comes at the very moment of a new session may be before or after it: then the next packet, a second later, counts. */
const PACKET_MS = 1000;
const KEEPALIVE = 5;

const handshakes = ({ events }: Trace): TraceEvent[] => events.filter(({ type }) => type !== KEEPALIVE);
const keepalives = ({ events }: Trace, host: HostName): number[] =>
  events.filter((event) => event.type === KEEPALIVE && event.host === host).map(({ atMs }) => atMs);

/** Those of `some` that none of `others` is near to. */
const alone = (some: readonly number[], others: readonly number[], withinMs: number): number[] =>
  some.filter((one) => others.every((other) => Math.abs(one - other) > withinMs));

/** wireguard-go acted all of them out in virtual time; how it is made to, `interop/peers/wireguard-trace` says. */
for (const [i, scenario] of scenarios.entries()) {
  test(`as wireguard-go: ${scenario.name}`, () => {
    const theirs = traces[i] as Trace;
    assert.equal(theirs.name, scenario.name);
    const ours = act(scenario);
    const [mine, other] = [handshakes(ours), handshakes(theirs)];
    const kinds = [mine, other].map((events) => events.map(({ host, type }) => host + type));
    // Of forty attempts jitter leaves room for one more, with its answer.
    const [longer = [], shorter = []] = kinds.toSorted((a, b) => b.length - a.length);
    assert.ok(longer.length - shorter.length <= (longer.length > 80 ? 2 : 0), `${kinds.map(({ length }) => length)}`);
    assert.deepEqual(longer.slice(0, shorter.length), shorter);
    // Each attempt after the first adds its jitter.
    let attempts = 0;
    for (const [n, { atMs, type }] of mine.slice(0, shorter.length).entries()) {
      const between = Math.abs(atMs - (other[n] as TraceEvent).atMs);
      if (type === 1) attempts++;
      assert.ok(between <= 1 + attempts * JITTER_MS, `message ${n} of handshakes: ${between} ms apart`);
    }
    for (const host of ['a', 'b'] as const) {
      const [sent, expected] = [keepalives(ours, host), keepalives(theirs, host)];
      const withinMs = PACKET_MS + JITTER_MS * Math.min(attempts, 10);
      const unmatched = [...alone(sent, expected, withinMs), ...alone(expected, sent, withinMs)];
      assert.ok(unmatched.length <= 1, `keepalives of ${host} at ${unmatched}`);
      assert.ok(Math.abs(sent.length - expected.length) <= 1, `${sent.length} keepalives, not ${expected.length}`);
      assert.equal(ours.data[host] ?? 0, theirs.data[host] ?? 0);
      assert.equal(ours.taken[host] ?? 0, theirs.taken[host] ?? 0);
    }
  });
}

test('there are traces of as many scenarios, and something happens in each', () => {
  assert.equal(traces.length, scenarios.length);
  assert.ok(scenarios.length >= 14);
  for (const { events } of traces) assert.ok(events.length >= 3);
});
