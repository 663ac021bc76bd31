import { isRoot } from '#scripts/setup/paths.mjs';
import type { Bar, Measurement } from '#telemetry/measurement.ts';
import { Skip, type SuiteCase } from '../suite.ts';
import { type Flood, withPop } from './pop.ts';
import { MANY_SOURCES } from './strangers.ts';

const KEPT: Bar = { atLeast: 0.8 };
/** Who has begun waits for its own timer, of five seconds and a bit, before it shows the cookie that it was given. */
const NEWCOMER_MS = 30_000;

interface Most {
  /** CPU of a message; absent: the worker may do with its idle time what it likes. */
  readonly us?: number;
  readonly mib: number;
}

const figure = (metric: string, value: number, unit: string, bar?: Bar): Measurement => ({
  ...{ metric, value: Number(value.toPrecision(4)), unit },
  ...(bar && { bar }),
});

/** What a flood leaves of a TCP flow by WireGuard and of one by MASQUE, and what it costs the worker. */
const measure = (flood: Flood, most: Most): Promise<Measurement[]> =>
  withPop(async (pop) => {
    const shareOf = async (name: string): Promise<Measurement[]> => {
      // What was just started has not been compiled yet.
      await pop.goodput();
      const alone = await pop.goodput();
      // The flood's sender has the client's CPU, which the client needs.
      const spared = await pop.goodputFiltered(flood);
      const beside = await pop.goodputUnder(flood);
      return [
        figure(`share_${name}`, beside.goodput / spared, 'ratio', KEPT),
        figure(`goodput_${name}`, beside.goodput, 'Gbit/s'),
        figure(`cookies_beside_${name}`, beside.cookies, 'ratio'),
        figure(`goodput_filtered_${name}`, spared, 'Gbit/s'),
        figure(`goodput_alone_${name}`, alone, 'Gbit/s'),
      ];
    };
    const wireguard = await pop.byWireGuard(1, () => shareOf('wireguard'));
    const masque = await pop.byMasque(() => shareOf('masque'));
    const { cpuUs, grownMib, cookies } = await pop.costOf(flood);
    const newcomerMs = await pop.newcomerUnder(flood, 2, NEWCOMER_MS);
    return [
      ...wireguard,
      ...masque,
      figure('cpu_per_message', cpuUs, 'us', most.us === undefined ? undefined : { atMost: most.us }),
      figure('cookies_per_message', cookies, 'ratio'),
      figure('memory_growth', grownMib, 'MiB', { atMost: most.mib }),
      figure('newcomer', newcomerMs / 1000, 's', { atMost: 12 }),
    ];
  });

const floodCase = (name: string, summary: string, flood: Flood, most: Most): SuiteCase => ({
  name,
  summary,
  run: () => {
    if (!isRoot) throw new Skip('network namespaces need root');
    return measure(flood, most);
  },
});

/**
 * What waits and the tables of sources are 3 MiB, and V8's garbage of handshakes 12. A CPU is full at 50,000 messages a second that
 * are answered (20 us), and at 100,000 that are not.
 */
const QUIET: Most = { us: 10, mib: 4 };
const ANSWERED: Most = { us: 20, mib: 4 };

/** Floods of a worker: 20,000 messages a second from addresses that are not their sender's, or are. */
export const POP_FLOODS: readonly SuiteCase[] = [
  floodCase(
    'flood-pop',
    'a worker’s clients, by WireGuard and by MASQUE, beside 20,000 initiations a second of nobody from 65,536 addresses',
    { kind: 'initiations', sources: MANY_SOURCES, rate: 20_000 },
    ANSWERED,
  ),
  floodCase(
    'flood-pop-guessed',
    'the same, each with a mac2 that is none',
    { kind: 'guessed', sources: MANY_SOURCES, rate: 20_000 },
    { us: 25, mib: 4 },
  ),
  floodCase(
    'flood-pop-cookies',
    'the same of 1,000 addresses that take cookies and show them',
    { kind: 'cookies', sources: 1000, rate: 20_000 },
    { mib: 16 },
  ),
  floodCase(
    'flood-pop-nowhere',
    'the same of data for no peer',
    { kind: 'nowhere', sources: MANY_SOURCES, rate: 20_000 },
    QUIET,
  ),
  floodCase(
    'flood-pop-named',
    'the same of data that names a peer which is there',
    { kind: 'named', sources: MANY_SOURCES, rate: 20_000 },
    QUIET,
  ),
  floodCase(
    'flood-pop-responses',
    'the same of responses to nothing',
    { kind: 'responses', sources: MANY_SOURCES, rate: 20_000 },
    ANSWERED,
  ),
];
