import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { withPair } from '#bench/harness/network.ts';
import { withPrograms } from '#bench/harness/program.ts';
import { Skip, type SuiteCase } from '#bench/suite.ts';
import { nowUs } from '#host/clock/clock.ts';
import type { WatchedThread } from '#host/thread/beats.ts';
import type { AuthenticationType } from '#protocol/bfd/authentication/table.ts';
import { Diagnostic, diagnosticText, State } from '#protocol/bfd/state.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import type { Measurement } from '#telemetry/measurement.ts';
import { METRICS, type MetricSpec } from '#telemetry/metrics.ts';
import { slotOf } from '#telemetry/slots.ts';
import {
  birdConfiguration,
  birdTiming,
  bothUp,
  DEVICE,
  FOUR,
  fail,
  INTERVAL_MS,
  LINK_MTU,
  MULTIPLIER,
  type Ours,
  plain,
  SIX,
  sessionWith,
  timingOf,
  until,
  wantDetectionTime,
  withScene,
} from './bfd/scene.ts';
import { type BirdSession, withBird } from './implementations/bird.ts';
import { ourProgram } from './implementations/ours.ts';

const PEER = 'BIRD';
/** RFC 5880 §6.8.4, and one interval more for what the peer last sent before it died. */
const DETECTION_MS = MULTIPLIER * INTERVAL_MS + INTERVAL_MS;
const SECRET = 'some secret';

const line = (metric: string, value: number): Measurement => ({
  metric,
  value,
  unit: 'count',
  peer: PEER,
  bar: { atLeast: 1 },
});

const up = async (): Promise<Measurement[]> =>
  withScene(plain, async ({ bird, open }) => {
    const sessions = [
      { ours: open({}), client: FOUR.client },
      { ours: open({ local: SIX.client, remote: SIX.server, device: DEVICE }), client: SIX.client },
    ];
    for (const { ours, client } of sessions) {
      await bothUp(bird, ours, client);
      await wantDetectionTime(bird, ours, client, MULTIPLIER * INTERVAL_MS);
    }
    return [line('sessions_up', 1)];
  });

const multiHop = async (): Promise<Measurement[]> => {
  const neighbours = [`${FOUR.client} local ${FOUR.server} multihop yes`];
  return withScene(birdConfiguration(birdTiming(INTERVAL_MS), neighbours), async ({ bird, open }) => {
    // BIRD sends those with the system's hop limit, so none can be wanted.
    const ours = open({ multiHop: true });
    await bothUp(bird, ours, FOUR.client);
    await wantDetectionTime(bird, ours, FOUR.client, MULTIPLIER * INTERVAL_MS);
    return [line('sessions_up', 1)];
  });
};

const DELAY = 'cloudbridge_bfd_delay_seconds';
const DELAY_AT = slotOf(DELAY, {});
const SPECS: readonly MetricSpec[] = METRICS;
const DELAY_BUCKETS = SPECS.find(({ name }) => name === DELAY)?.buckets ?? [];

/** Milliseconds that the BFD thread was never later than. */
const latest = (slots: Float64Array): number => {
  const bucket = DELAY_BUCKETS.findLastIndex((_, i) => (slots[DELAY_AT + i] as number) > 0);
  return (slots[DELAY_AT + DELAY_BUCKETS.length] as number) > 0
    ? Number.POSITIVE_INFINITY
    : (DELAY_BUCKETS[bucket] ?? 0) * 1000;
};

/** Which end was late when a session flapped. */
const whoseFault = (ours: Ours, slots: Float64Array): string => {
  const down = ours.changes.find(({ from }) => from === State.up);
  const [own, theirs] = [down?.diagnostic ?? 0, down?.remoteDiagnostic ?? 0].map(diagnosticText);
  return `we said “${own}”, BIRD “${theirs}”, and our thread was late by up to ${latest(slots)} ms`;
};

/** Our types of authentication and BIRD's words for them. */
const AUTHENTICATION = [
  ['simple_password', 'simple'],
  ['keyed_md5', 'keyed md5'],
  ['meticulous_keyed_md5', 'meticulous keyed md5'],
  ['keyed_sha1', 'keyed sha1'],
  ['meticulous_keyed_sha1', 'meticulous keyed sha1'],
] as const satisfies readonly (readonly [AuthenticationType, string])[];

/** Up with the key, and not with another. */
const authenticated = (type: AuthenticationType, birdName: string) => async (): Promise<Measurement[]> => {
  const options = `${birdTiming(INTERVAL_MS)} authentication ${birdName}; password "${SECRET}" { id 7; };`;
  const configuration = birdConfiguration(options, [`${FOUR.client} dev "${DEVICE}" local ${FOUR.server}`]);
  return withScene(configuration, async ({ bird, open, slots }) => {
    const secret = new TextEncoder().encode(SECRET);
    const ours = open({ authentication: { type, keys: [{ id: 7, secret }] } });
    await bothUp(bird, ours, FOUR.client);
    // Stays so while sequence numbers grow.
    const received = ours.stat('received');
    await until('packets come', () => ours.stat('received') > received + 20);
    const [flaps, discarded] = [ours.stat('fromUp'), ours.stat('discarded')];
    if (flaps + discarded > 0) {
      fail(`It went Down ${flaps} times, and ${discarded} packets were discarded; ${whoseFault(ours, slots)}.`);
    }
    ours.session.close();
    const wrong = open({ authentication: { type, keys: [{ id: 7, secret: secret.map((byte) => byte ^ 1) }] } });
    await until('what has another key is discarded', () => wrong.stat('discarded') >= 2);
    if (!wrong.is(State.down)) throw new Error('It came Up with another key.');
    return [line('sessions_up', 1)];
  });
};

const timers = async (): Promise<Measurement[]> =>
  withScene(plain, async ({ bird, open }) => {
    const ours = open({});
    await bothUp(bird, ours, FOUR.client);
    await wantDetectionTime(bird, ours, FOUR.client, 150);
    // Ours become longer, then shorter than before, then BIRD's longer, each by a Poll Sequence.
    ours.session.setTiming(timingOf(200));
    await wantDetectionTime(bird, ours, FOUR.client, 600);
    ours.session.setTiming(timingOf(20));
    await wantDetectionTime(bird, ours, FOUR.client, 150);
    await bird.configure(plain.replaceAll(birdTiming(INTERVAL_MS), birdTiming(300)));
    await wantDetectionTime(bird, ours, FOUR.client, 900);
    const flaps = ours.stat('fromUp');
    if (flaps > 0) throw new Error(`It went Down ${flaps} times.`);
    return [line('changed', 1)];
  });

const adminDown = async (): Promise<Measurement[]> =>
  withScene(plain, async ({ bird, open }) => {
    const ours = open({});
    await bothUp(bird, ours, FOUR.client);
    await wantDetectionTime(bird, ours, FOUR.client, 150);
    ours.session.disable(Diagnostic.administrativelyDown);
    await until('BIRD says Down', async () => (await sessionWith(bird, FOUR.client))?.state === 'Down');
    ours.session.enable();
    await bothUp(bird, ours, FOUR.client);
    return [line('down_and_up', 1)];
  });

const BUSY_MS = 3000;
const SAME_TIME_MS = 20;

/** Keeps the calling thread busy with collections of garbage. @returns how many */
const collectFor = (ms: number): number => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const kept = Array.from({ length: 300_000 }, (_, i) => ({ i, text: [i] }));
  let collections = 0;
  for (const end = performance.now() + ms; performance.now() < end; collections++) {
    kept[collections % kept.length] = { i: collections, text: [] };
    collect();
  }
  return collections;
};

/** A thread for each CPU that does nothing but that. */
const spin = (ms: number): Worker[] =>
  Array.from({ length: availableParallelism() }, () => {
    const code = `for (const end = performance.now() + ${ms}; performance.now() < end; );`;
    return new Worker(code, { eval: true });
  });

/** The main thread collects garbage and each CPU has a thread that spins: BIRD must not notice. */
const busy = async (): Promise<Measurement[]> =>
  withScene(plain, async ({ bird, open, slots }) => {
    const ours = open({});
    await bothUp(bird, ours, FOUR.client);
    await wantDetectionTime(bird, ours, FOUR.client, 150);
    const before = await sessionWith(bird, FOUR.client);
    const spinning = spin(BUSY_MS);
    const collections = collectFor(BUSY_MS);
    const after = await sessionWith(bird, FOUR.client);
    await Promise.all(spinning.map((worker) => worker.terminate()));
    // BIRD reckons the time of day from its own clock each time.
    const moved = Math.abs((after?.sinceMs ?? 0) - (before?.sinceMs ?? 0));
    if (after?.state !== 'Up' || moved > SAME_TIME_MS) {
      fail(`It was Down: ${whoseFault(ours, slots)}.`);
    }
    return [
      { metric: 'flaps', value: ours.stat('fromUp'), unit: 'count', peer: PEER, bar: { atMost: 0 } },
      { metric: 'delay_at_most', value: latest(slots), unit: 'ms' },
      { metric: 'collections', value: collections, unit: 'count' },
    ];
  });

/** A thread that does not beat takes the session Down, as BIRD sees it, and Up again when it does. */
const stuck = async (): Promise<Measurement[]> => {
  const beat = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT);
  const value = new Float64Array(beat);
  const beating = (): NodeJS.Timeout => setInterval(() => value.fill(performance.now()), 20);
  let timer = beating();
  try {
    const watched: WatchedThread[] = [{ thread: 'data', beat, limitMs: 200, lateMs: 2000 }];
    return await withScene(
      plain,
      async ({ bird, open }) => {
        const ours = open({});
        await bothUp(bird, ours, FOUR.client);
        clearInterval(timer);
        await until('BIRD says Down', async () => (await sessionWith(bird, FOUR.client))?.state !== 'Up');
        if (ours.stat('diagnostic') !== Diagnostic.forwardingPlaneReset) fail('It went Down for another reason.');
        timer = beating();
        await bothUp(bird, ours, FOUR.client);
        return [line('down_and_up', 1)];
      },
      watched,
    );
  } finally {
    clearInterval(timer);
  }
};

/** Milliseconds from a `kill -9` of one side until the other has the session Down. */
const killed = async (): Promise<Measurement[]> => {
  const bar = { unit: 'ms', peer: PEER, bar: { atMost: DETECTION_MS } };
  const ofBird = await withScene(plain, async ({ bird, open }) => {
    const ours = open({});
    await bothUp(bird, ours, FOUR.client);
    await wantDetectionTime(bird, ours, FOUR.client, 150);
    const at = nowUs();
    process.kill(bird.pid, 'SIGKILL');
    await until('we are Down', () => ours.changes.at(-1)?.to === State.down);
    return ((ours.changes.at(-1)?.atUs ?? 0) - at) / 1000;
  });
  const ofUs = await withPair(LINK_MTU, (pair) =>
    withBird(pair.server.namespace, plain, (bird) =>
      withPrograms(async (start) => {
        const addresses = ['--address', pair.client.address, '--target', pair.server.address];
        const program = start(ourProgram('bfd-endpoint', addresses), pair.client);
        await program.ready;
        await until('BIRD waits 150 ms', async () => (await sessionWith(bird, FOUR.client))?.timeoutSeconds === 0.15);
        const at = performance.timeOrigin + performance.now();
        process.kill(program.pid, 'SIGKILL');
        let down: BirdSession | undefined;
        await until('BIRD says Down', async () => {
          down = await sessionWith(bird, FOUR.client);
          return down?.state === 'Down';
        });
        return (down?.sinceMs ?? Number.NaN) - at;
      }),
    ),
  );
  return [
    { ...bar, metric: 'noticed_by_us', value: ofBird },
    { ...bar, metric: 'noticed_by_peer', value: ofUs },
  ];
};

const provided = (run: () => Promise<Measurement[]>) => async (): Promise<Measurement[]> => {
  if (!isRoot) throw new Skip('network namespaces need root');
  try {
    return await run();
  } catch (error) {
    if (error instanceof PeerMissing) throw new Skip(error.message);
    throw error;
  }
};

const CASES = [
  ['up', 'IPv4 and IPv6 over one link at 3 times 50 ms: both ends say Up and 150 ms (RFC 5881)', up],
  ['multihop', 'a session on port 4784 (RFC 5883)', multiHop],
  ...AUTHENTICATION.map(
    ([type, birdName]) =>
      [
        type.replaceAll('_', '-'),
        `${birdName} (RFC 5880 §6.7): Up with the key, not with another`,
        authenticated(type, birdName),
      ] as const,
  ),
  ['timers', 'intervals changed at either end while Up, without a flap (RFC 5880 §6.8.3)', timers],
  ['admin-down', 'taken down administratively, and up again (RFC 5880 §6.8.16)', adminDown],
  ['busy', 'our main thread collects garbage for 3 s and every CPU is busy: no flap at 3 times 50 ms', busy],
  ['stuck', 'a thread of ours that does not beat takes the session Down, not AdminDown, until it does', stuck],
  ['killed', 'kill -9 of either side at 3 times 50 ms: milliseconds until the other says Down', killed],
] as const;

export const cases: readonly SuiteCase[] = CASES.map(([name, summary, run]) => ({ name, summary, run: provided(run) }));
