import type { FlipReport } from '#pop-worker/testing/flip/client.ts';
import { FlipClient } from '#pop-worker/testing/flip/flip-client.ts';
import { TwoPops } from '#pop-worker/testing/flip/pops.ts';
import { needsNamespaces } from '#pop-worker/testing/world.ts';
import type { Measurement } from '#telemetry/measurement.ts';
import { Skip, type SuiteCase } from '../suite.ts';
import { flipFigures } from './flip-figures.ts';

interface Run {
  readonly connections: number;
  /** Between two packets of a connection. */
  readonly everyMs: number;
  readonly flips: number;
  readonly flipMs: number;
  /** Whether others are opened meanwhile. */
  readonly opens: boolean;
  /** So many devices come with early data meanwhile. */
  readonly early: number;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const SETTLE_MS = 500;
/** Programs are compiled as they run: what is slow for that is no matter of routes. */
const WARM_MS = 3000;

const flipping = async ({ connections, everyMs, flips, flipMs, opens, early }: Run): Promise<Measurement[]> => {
  const world = new TwoPops();
  try {
    // All clients have one address here.
    await world.build({ handoff: 'source_megabits = 10000\npeer_megabits = 10000', mesh: early > 0 });
    await Promise.all([world.start('a'), world.start('b')]);
    const meshRttMs = world.meshRttMs();
    const client = await FlipClient.connect(world, connections, everyMs, early);
    const phase = async (changes: number): Promise<FlipReport> => {
      client.begin(opens);
      await pause(SETTLE_MS);
      for (let i = 0; i < changes; i++) {
        world.route(i % 2 === 0 ? 'b' : 'a');
        await pause(flipMs);
      }
      return client.end();
    };
    const handedOver = () => world.metrics('a').get('cloudbridge_handoff_datagrams_total{direction="received"}') ?? 0;
    await phase(2 * Math.ceil(WARM_MS / flipMs / 2));
    const [from, before] = [world.flips.length, handedOver()];
    const report = await phase(flips);
    const handed = handedOver() - before;
    return flipFigures({
      report,
      flips: world.flips.slice(from),
      meshRttMs,
      handed,
      judgesLatency: !opens,
      wantsEarly: early > 0,
    });
  } finally {
    world.close();
  }
};

const flipCase = (name: string, summary: string, run: Run): SuiteCase => ({
  name,
  summary,
  run: () => {
    if (needsNamespaces !== false) throw new Skip('network namespaces need root');
    return flipping(run);
  },
});

export const cases: readonly SuiteCase[] = [
  flipCase('fifty', '50 connections, a full packet each every 20 ms; the route moves every half second', {
    ...{ connections: 50, everyMs: 20, flips: 20, flipMs: 500, opens: false, early: 0 },
  }),
  flipCase('handshakes', 'connections that begin, with early data too, while the route moves every 20 ms', {
    ...{ connections: 20, everyMs: 20, flips: 500, flipMs: 20, opens: true, early: 12 },
  }),
  flipCase('thousand', '1,000 connections, a full packet each every 250 ms; the route moves every half second', {
    ...{ connections: 1000, everyMs: 250, flips: 20, flipMs: 500, opens: false, early: 0 },
  }),
];
