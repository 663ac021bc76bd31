/**
 * Neighbours of a router that is measured, all in one process: they have their UPDATEs prepared in memory and write them to
 * their sockets as they are, and one of them notes which routes it holds. Its orders come by IPC.
 */
import { execFileSync } from 'node:child_process';
import { createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { parseIpv4 } from '#protocol/ip/text.ts';
import { cpuSecondsOf, peakResidentBytesOf } from '../harness/usage.ts';
import { type Paths, watchPaths } from './bfd-paths.ts';
import { Held } from './held.ts';
import { connecting, Neighbour } from './neighbour.ts';
import type { NeighboursOrder, NeighboursResult, Phase, SenderOrder } from './order.ts';
import { updatesOf } from './updates.ts';

const PORT = 179;
/** After sessions are there, and after each phase: whatever a router does late is not counted to the next one. */
const SETTLE_MS = 1000;
const BETWEEN_DEATHS_MS = 300;
const LIMIT_MS = 100_000;
const DEVICE = 'veth0';

const numberOf = (address: string): number => {
  const bytes = parseIpv4(address);
  if (bytes === undefined) throw new TypeError(`"${address}" is no address of IPv4`);
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
};

/** The routes that the receiver holds, and a moment at which there are so many. */
class Receiver {
  readonly held: Held;
  #wanted = Number.NaN;
  #resolve: (now: number) => void = () => {};

  constructor(senders: readonly SenderOrder[]) {
    const routes = Math.max(...senders.map(({ first, routes: count }) => first + count));
    const owner = (route: number): SenderOrder =>
      (senders.length === 1
        ? senders[0]
        : senders[Math.floor(route / (senders[0] as SenderOrder).routes)]) as SenderOrder;
    this.held = new Held(routes, (route) => {
      const { first, routes: count, sets } = owner(route);
      return first + Math.floor(((route - first) * sets) / count);
    });
  }

  take(buffer: Uint8Array, at: number, end: number): void {
    this.held.take(buffer, at, end);
    if (this.held.count === this.#wanted) this.#resolve(performance.now());
  }

  /** Resolves with when there were so many. @throws Error when that takes too long */
  async until(count: number): Promise<number> {
    if (this.held.count === count) return performance.now();
    const late = new AbortController();
    const reached = new Promise<number>((resolve) => {
      this.#resolve = resolve;
    });
    this.#wanted = count;
    const tooLate = wait(LIMIT_MS, undefined, { signal: late.signal }).then(() => {
      throw new Error(`the receiver holds ${this.held.count} routes after ${LIMIT_MS / 1000} s instead of ${count}`);
    });
    tooLate.catch(() => {});
    try {
      return await Promise.race([reached, tooLate]);
    } finally {
      late.abort();
      this.#wanted = Number.NaN;
    }
  }
}

/** The receiver's socket, where there is no router: it is connected to. */
const listening = (address: string, take: (socket: Socket) => void): Promise<void> =>
  new Promise((resolve) => {
    createServer((socket) => take(socket)).listen(PORT, address, () => resolve());
  });

const openAll = async (
  { router, senders, receiver }: NeighboursOrder,
  taker: Receiver,
): Promise<readonly Neighbour[]> => {
  const take = (buffer: Uint8Array, at: number, end: number): void => taker.take(buffer, at, end);
  const identifier = numberOf(receiver.address);
  const established: Promise<void>[] = [];
  if (router === undefined) {
    const met = Promise.withResolvers<void>();
    await listening(receiver.address, (socket) => {
      void new Neighbour(() => socket, receiver.as, identifier, take).established.then(() => met.resolve());
    });
    established.push(met.promise);
  } else {
    const open = connecting(receiver.address, router.address, PORT);
    established.push(new Neighbour(open, receiver.as, identifier, take).established);
  }
  const to = router?.address ?? receiver.address;
  const neighbours = senders.map(
    ({ address, as }) => new Neighbour(connecting(address, to, PORT), as, numberOf(address)),
  );
  await Promise.all([...established, ...neighbours.map((one) => one.established)]);
  return neighbours;
};

/** They die one after another; each time the receiver is to lose the routes of one. */
const measureDeaths = async (
  { senders, router, what }: NeighboursOrder,
  neighbours: readonly Neighbour[],
  receiver: Receiver,
  paths: Paths | undefined,
): Promise<number[]> => {
  const deaths: number[] = [];
  let left = receiver.held.count;
  for (const [i, neighbour] of neighbours.entries()) {
    const { address, routes } = senders[i] as SenderOrder;
    await wait(BETWEEN_DEATHS_MS);
    left -= routes;
    const gone = receiver.until(left);
    const start = performance.now();
    if (what === 'close') neighbour.die();
    else {
      neighbour.forget();
      cutOff(address, (router as { address: string }).address, i + 1);
    }
    deaths.push((await gone) - start);
  }
  paths?.close();
  return deaths;
};

/** What is sent from that address goes to nobody, and no end is told. */
const cutOff = (from: string, to: string, table: number): void => {
  const lines = [
    `route add ${to} dev ${DEVICE} via ${NOBODY} onlink table ${100 + table}`,
    `rule add from ${from} table ${100 + table}`,
  ];
  execFileSync('ip', ['-batch', '-'], { input: lines.map((line) => `${line}\n`).join('') });
};

const NOBODY = '192.0.2.254';
/** An address of hardware that nobody has. */
const makeNobody = (): void => {
  const words = ['neighbour', 'replace', NOBODY, 'lladdr', '02:00:00:00:00:99', 'nud', 'permanent', 'dev', DEVICE];
  execFileSync('ip', words);
};

const run = async (order: NeighboursOrder): Promise<NeighboursResult> => {
  const { router, senders, what, intervalMs = 50 } = order;
  const prepared = senders.map((sender) => {
    const announced = { ...sender, nextHop: numberOf(sender.address) };
    return { announce: updatesOf(announced, false).bytes, withdraw: updatesOf(announced, true).bytes };
  });
  const receiver = new Receiver(senders);
  const neighbours = await openAll(order, receiver);
  if (what === 'cut') makeNobody();
  const paths =
    what === 'cut' && router !== undefined ? await watchPaths(senders, router.address, intervalMs) : undefined;
  await wait(SETTLE_MS);
  process.send?.({ ready: {} });

  const total = senders.reduce((sum, { routes }) => sum + routes, 0);
  const phase = async (name: 'announce' | 'withdraw', count: number): Promise<Phase> => {
    const cpu = router === undefined ? 0 : cpuSecondsOf(router.pid);
    const updates = receiver.held.updates;
    const end = receiver.until(count);
    const start = performance.now();
    for (const [i, neighbour] of neighbours.entries())
      neighbour.socket.write((prepared[i] as (typeof prepared)[0])[name]);
    const seconds = ((await end) - start) / 1000;
    return {
      seconds,
      cpuSeconds: router === undefined ? 0 : cpuSecondsOf(router.pid) - cpu,
      updates: receiver.held.updates - updates,
    };
  };

  const announce = await phase('announce', total);
  await wait(SETTLE_MS);
  if (receiver.held.count !== total) throw new Error(`${receiver.held.count} of ${total} routes stayed`);
  if (receiver.held.wrong > 0) throw new Error(`${receiver.held.wrong} routes came with attributes of others`);
  const deaths = what === 'convergence' ? [] : await measureDeaths(order, neighbours, receiver, paths);
  const withdraw = what === 'convergence' ? await phase('withdraw', 0) : { seconds: 0, cpuSeconds: 0, updates: 0 };
  return {
    ...{ announce, withdraw, deaths },
    peakBytes: router === undefined ? 0 : peakResidentBytesOf(router.pid),
    bytes: prepared.reduce((sum, one) => sum + one.announce.length, 0),
  };
};

process.once('message', (order: NeighboursOrder) => {
  run(order).then(
    (result) => process.send?.({ result }, () => process.exit(0)),
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exit(1);
    },
  );
});
