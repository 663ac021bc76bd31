/** Scenarios of `cloudbridge sim bbr` over real sockets, threads and clocks, through the link emulator of the lab. */
import { setTimeout as wait } from 'node:timers/promises';
import { type Link, openLink } from '#lab/link/link.ts';
import type { LinkReport } from '#lab/link/record.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { BBR, CUBIC, figure, first, measure, p99Ms, propagationMs, queueFactor } from '#sim/bbr/figures.ts';
import type { PathSpec } from '#sim/experiment.ts';
import type { Measurement } from '#telemetry/measurement.ts';
import { type Identity, withIdentity } from '../harness/identity.ts';
import { PORT as IPERF_PORT, iperfCubic, iperfServer } from '../harness/iperf.ts';
import { type Pair, withEnds } from '../harness/network.ts';
import { type Program, withPrograms } from '../harness/program.ts';
import { type BulkOrder, ourSide } from '../implementations/bulk.ts';
import { Skip, type SuiteCase } from '../suite.ts';

const MTU = 1500;
const PORT = 4433;
/** More than any of these links carries in the time. */
const ENDLESS = 1e12;
/** Real and simulated figures agree so far. */
const AGREEMENT = 0.1;
const ALONE = { seconds: 35, warmUpSeconds: 5 };
const TOGETHER = { seconds: 60, warmUpSeconds: 15 };

/** Flow control is not what is measured. */
const WINDOW = 8 << 20;
/** Programs need a while to begin; what is measured begins with what each of them sent first. */
const BEGIN_MS = 20_000;
const BEGUN_BYTES = 20_000;

type Timing = typeof ALONE;
type Start = (link: Link, pair: Pair, identity: Identity, start: StartProgram) => Promise<void>;
type StartProgram = Parameters<Parameters<typeof withPrograms>[0]>[0];

const shapesOf = ({ mbit, rttMs, queueBdp }: PathSpec) => {
  const half = { delayUs: (rttMs * 1000) / 2 };
  return [{ ...half, bitsPerSecond: mbit * 1e6, queueBytes: (queueBdp * mbit * rttMs * 1000) / 8 }, half] as const;
};

const allSend = async (link: Link, senders: number): Promise<void> => {
  const end = performance.now() + BEGIN_MS;
  for (;;) {
    const [{ bytes }] = await link.report(0, BEGIN_MS / 1000);
    const sending = Object.values(bytes).filter((sent) => sent > BEGUN_BYTES).length;
    if (sending >= senders) return;
    if (performance.now() > end) throw new Error(`${sending} of ${senders} programs send anything.`);
    await wait(50);
  }
};

/** Starts senders on a fresh link. @returns what it carried towards the client, and back, after the warm-up */
const through = (
  path: PathSpec,
  { seconds, warmUpSeconds }: Timing,
  starts: readonly Start[],
): Promise<readonly [LinkReport, LinkReport]> =>
  withIdentity((identity) =>
    withEnds(async (pair) => {
      const { server, client } = pair;
      const link = await openLink({
        ends: [server.namespace, client.namespace],
        device: 'link0',
        addresses: [`${server.address}/24`, `${client.address}/24`],
        mtu: MTU,
        shapes: shapesOf(path),
      });
      try {
        return await withPrograms(async (start) => {
          for (const one of starts) await one(link, pair, identity, start);
          await allSend(link, starts.length);
          await link.begin();
          await wait(seconds * 1000);
          return await link.report(warmUpSeconds, seconds);
        });
      } finally {
        await link.close();
      }
    }),
  );

/** One of our connections with this controller. */
const quic =
  (controller: string, port = PORT): Start =>
  async (_link, { server, client }, identity, start) => {
    const order: BulkOrder = { bytes: ENDLESS, streams: 1, datagramBytes: 0, address: server.address, port, identity };
    await start(ourSide('server', order, controller, WINDOW), { ...server, realTime: true }).ready;
    start(ourSide('client', order, controller, WINDOW), { ...client, realTime: true });
  };

/** The kernel's TCP with CUBIC. */
const kernelCubic =
  (seconds: number): Start =>
  async (_link, { server, client }, _identity, start) => {
    const serving: Program = start(await iperfServer(server.address), server);
    await serving.ready;
    start(await iperfCubic(server.address, seconds), client);
  };

const sum = (bytes: LinkReport['bytes']): number => Object.values(bytes).reduce((all, one) => all + one, 0);
const utilisationOf = ({ mbit }: PathSpec, { bytes, seconds }: LinkReport): number =>
  (8 * sum(bytes)) / (seconds * mbit * 1e6);

/** Real beside simulated, and that they agree: their ratio from either side. */
const agreeing = (metric: string, real: number, simulated: number, unit: string): Measurement[] => [
  figure(metric, real, unit),
  figure(metric, simulated, unit, undefined, 'sim'),
  figure(`${metric}_off`, Math.abs(real / simulated - 1), 'ratio', { atMost: AGREEMENT }, 'sim'),
];

/** The same mean as the times by which the link, there and back, handed packets on too late. */
const jitterOf = (there: LinkReport, back: LinkReport): number => (2 * (there.lateMean + back.lateMean)) / 1000;

const alone = async (path: PathSpec, controller: string): Promise<Measurement[]> => {
  const [real, back] = await through(path, ALONE, [quic(controller)]);
  const noisy = { ...path, jitterMs: jitterOf(real, back) };
  const outcome = measure(1, noisy, [controller === 'cubic' ? CUBIC : BBR], ALONE);
  const simulated = first(outcome);
  const rtt = real.delayMean / 1000 + path.rttMs / 2;
  const simulatedRtt = simulated.recorder.delays.mean / 1000 + path.rttMs / 2;
  const least = propagationMs(path);
  const name = controller === 'cubic' ? 'cubic_' : '';
  return [
    ...agreeing(`${name}utilisation`, utilisationOf(path, real), outcome.utilisation, 'ratio'),
    ...agreeing(`${name}rtt`, rtt, simulatedRtt, 'ms'),
    figure(`${name}queue_factor`, (rtt - least) / least, 'ratio'),
    figure(`${name}queue_factor`, queueFactor(path, simulated), 'ratio', undefined, 'sim'),
    figure(`${name}link_late`, (real.lateMean + back.lateMean) / 1000, 'ms'),
    figure(`${name}delay_p99`, real.delayP99 / 1000, 'ms'),
    figure(`${name}delay_p99`, p99Ms(simulated), 'ms', undefined, 'sim'),
    figure(`${name}ipdv`, real.ipdv, 'us'),
    figure(`${name}loss`, real.lost / Math.max(real.arrived + real.lost, 1), 'ratio'),
    figure(`${name}loss`, simulated.loss, 'ratio', undefined, 'sim'),
  ];
};

const shareOf = ({ bytes }: LinkReport): number => (bytes[`udp/${PORT}`] ?? 0) / sum(bytes);

/** In a queue of 1 BDP one run says little, real or simulated: the medians of so many are compared. */
const runsWith = (queueBdp: number): number => (queueBdp === 1 ? 3 : 1);

const medianOf = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

const besideOurs = async (queueBdp: number): Promise<Measurement[]> => {
  const path = { mbit: 20, rttMs: 40, queueBdp };
  const [reals, simulations]: [number[], number[]] = [[], []];
  for (let seed = 1; seed <= runsWith(queueBdp); seed++) {
    const [real] = await through(path, TOGETHER, [quic('bbrv3'), quic('cubic', PORT + 1)]);
    const [bbr, cubic] = measure(seed, path, [BBR, CUBIC], TOGETHER).flows;
    reals.push(shareOf(real));
    simulations.push((bbr?.mbit ?? 0) / ((bbr?.mbit ?? 0) + (cubic?.mbit ?? 0)));
  }
  return agreeing(`share_${queueBdp}bdp`, medianOf(reals), medianOf(simulations), 'ratio');
};

const besideKernel = async (queueBdp: number): Promise<Measurement[]> => {
  const path = { mbit: 20, rttMs: 40, queueBdp };
  const [real] = await through(path, TOGETHER, [kernelCubic(TOGETHER.seconds + 5), quic('bbrv3')]);
  if ((real.bytes[`tcp/${IPERF_PORT}`] ?? 0) === 0) throw new Error('The kernel’s TCP sent nothing.');
  return [figure(`share_${queueBdp}bdp`, shareOf(real), 'ratio')];
};

const QUEUE = { mbit: 20, rttMs: 40, queueBdp: 2 };
const SHALLOW = { mbit: 50, rttMs: 40, queueBdp: 0.5 };
const QUEUES = [1, 2, 4, 8] as const;

const inTurn = async (ones: readonly (() => Promise<Measurement[]>)[]): Promise<Measurement[]> => {
  const all: Measurement[] = [];
  for (const one of ones) all.push(...(await one()));
  return all;
};

const realCase = (name: string, summary: string, ones: readonly (() => Promise<Measurement[]>)[]): SuiteCase => ({
  name,
  summary,
  run: () => {
    if (!isRoot) throw new Skip('network namespaces need root');
    return inTurn(ones);
  },
});

export const cases: readonly SuiteCase[] = [
  realCase('queue', '20 Mbit/s, 40 ms, a queue of 2 BDP: BBRv3, then CUBIC', [
    () => alone(QUEUE, 'bbrv3'),
    () => alone(QUEUE, 'cubic'),
  ]),
  realCase('shallow', '50 Mbit/s, 40 ms, a queue of 0.5 BDP', [() => alone(SHALLOW, 'bbrv3')]),
  realCase(
    'beside-cubic',
    'one flow beside one of our CUBIC, queues of 1 to 8 BDP',
    QUEUES.map((queue) => () => besideOurs(queue)),
  ),
  realCase(
    'beside-kernel',
    'one flow beside the kernel’s TCP with CUBIC, queues of 1 to 8 BDP',
    QUEUES.map((queue) => () => besideKernel(queue)),
  ),
];
