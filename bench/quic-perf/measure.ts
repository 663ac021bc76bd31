import { createInterface } from 'node:readline/promises';
import { nowUs } from '#host/clock/clock.ts';
import type { SavedSession } from '#pop-worker/library/saved-session.ts';
import { streamIndex } from '#protocol/quic/streams/stream-id.ts';
import { cpuSeconds, PerfClient, type PerfConnection, PerfFailure, type Target } from './client.ts';
import { DATAGRAM_BYTES, DONE, decodeCount, encodeRequest, ROUND_BYTES } from './request.ts';

export type HandshakeMode = 'full' | 'resumed' | '0rtt';

export interface Wanted {
  /** Streams at once of `bulk`, which share the bytes. */
  readonly streams: number;
  readonly bytes: number;
  /** How long, in seconds; undefined: until the count is reached. */
  readonly seconds?: number | undefined;
  /** Handshakes or requests at once. */
  readonly concurrency: number;
  /** How many handshakes, connections or requests. */
  readonly count: number;
  readonly mode: HandshakeMode;
}

/** A figure by its name; units are in the names (`_us`, `gbps`, `kpps`, `_pct`), seconds where there is none. */
export type Figures = Readonly<Record<string, number>>;
export type Measure = (target: Target, wanted: Wanted, report: (figures: Figures) => void) => Promise<void>;

const GRACE_MS = 500;

const rounded = (value: number, digits = 6): number => Number(value.toPrecision(digits));

const withClient = async <T>(target: Target, use: (client: PerfClient) => Promise<T>): Promise<T> => {
  const client = new PerfClient(target);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
};

const connected = async (client: PerfClient): Promise<PerfConnection> => {
  const perf = client.connect();
  await perf.complete.promise;
  return perf;
};

const open = ({ connection }: PerfConnection, request: Uint8Array): number => {
  const stream = connection.openStream(true);
  if (stream < 0) throw new PerfFailure('the server allows no more streams');
  connection.write(stream, request, true);
  return stream;
};

/** Whatever ends a connection early ends the measurement. */
const failing = (perf: PerfConnection, reject: (error: Error) => void): void => {
  perf.onAborted = (_stream, code) => reject(new PerfFailure(`the server refused the request (code ${code})`));
  perf.complete.promise.catch(reject);
  void perf.ended.promise.then(({ by, code, reason }) =>
    reject(new PerfFailure(`the connection ended early (${by}, code ${code}: ${reason})`)),
  );
};

/** Bytes from the server over streams. */
const bulk: Measure = (target, { streams, bytes, seconds }, report) =>
  withClient(target, async (client) => {
    const perf = await connected(client);
    const done = Promise.withResolvers<void>();
    failing(perf, done.reject);
    let received = 0;
    let left = streams;
    perf.onData = (_stream, _buffer, start, end, fin) => {
      received += end - start;
      if (fin && --left === 0) done.resolve();
    };
    const [cpu, before, start] = [cpuSeconds(), client.packets, nowUs()];
    const share = Math.floor(bytes / streams);
    for (let i = 0; i < streams; i++) {
      const most = i === 0 ? share + (bytes - share * streams) : share;
      open(perf, encodeRequest('D', seconds === undefined ? most : Number.MAX_SAFE_INTEGER));
    }
    const timer = seconds === undefined ? undefined : setTimeout(done.resolve, seconds * 1000);
    await done.promise.finally(() => clearTimeout(timer));
    const secs = (nowUs() - start) / 1e6;
    const { packets } = client;
    perf.connection.close(DONE, '');
    report({
      bytes: received,
      secs: rounded(secs),
      gbps: rounded((8 * received) / secs / 1e9),
      client_cpu: rounded(cpuSeconds() - cpu),
      rx_packets: packets.received - before.received,
      tx_packets: packets.sent - before.sent,
    });
  });

/** DATAGRAMs from the server. */
const datagrams: Measure = (target, { seconds = 5 }, report) =>
  withClient(target, async (client) => {
    const perf = await connected(client);
    const done = Promise.withResolvers<number>();
    failing(perf, done.reject);
    let received = 0;
    let count = new Uint8Array();
    perf.datagram = (_connection, _buffer, start, end) => {
      if (end - start === DATAGRAM_BYTES) received++;
    };
    perf.onData = (_stream, buffer, start, end, fin) => {
      count = Buffer.concat([count, buffer.subarray(start, end)]);
      // What is still under way may arrive after the count.
      if (fin) setTimeout(() => done.resolve(decodeCount(count)), GRACE_MS);
    };
    const [cpu, start] = [cpuSeconds(), nowUs()];
    open(perf, encodeRequest('G', Math.round(seconds * 1000)));
    const sent = await done.promise;
    const secs = (nowUs() - start) / 1e6 - GRACE_MS / 1000;
    perf.connection.close(DONE, '');
    report({
      sent,
      received,
      secs: rounded(secs),
      kpps: rounded(received / secs / 1000),
      loss_pct: rounded(sent === 0 ? 0 : (100 * (sent - received)) / sent),
      client_cpu: rounded(cpuSeconds() - cpu),
    });
  });

/** Runs `work` so many times at once until the count is reached or the time is over. @returns seconds that it took */
const repeat = async (wanted: Wanted, work: () => Promise<void>): Promise<number> => {
  const start = nowUs();
  const untilUs = wanted.seconds === undefined ? Number.POSITIVE_INFINITY : start + wanted.seconds * 1e6;
  let left = wanted.seconds === undefined ? wanted.count : Number.POSITIVE_INFINITY;
  const lane = async (): Promise<void> => {
    while (left > 0 && nowUs() < untilUs) {
      left--;
      await work();
    }
  };
  await Promise.all(Array.from({ length: wanted.concurrency }, lane));
  return (nowUs() - start) / 1e6;
};

/** Handshakes, each of a connection that is closed again when it is complete. */
const handshakes: Measure = (target, wanted, report) =>
  withClient(target, async (client) => {
    const { mode } = wanted;
    const sessions: SavedSession[] = [];
    // One for each handshake at a time: early data by a session that was used before would be refused.
    for (let i = 0; mode !== 'full' && i < wanted.concurrency; i++) {
      const first = await connected(client);
      sessions.push(await first.session.promise);
      first.connection.close(DONE, '');
    }
    const figures = { handshakes: 0, resumed: 0, early: 0, failed: 0 };
    const one = async (): Promise<void> => {
      const session = sessions.shift();
      const perf = client.connect(session, mode === '0rtt');
      if (mode === '0rtt') open(perf, encodeRequest('D', 1));
      try {
        const { resumed, earlyData } = await perf.complete.promise;
        figures.handshakes++;
        if (resumed) figures.resumed++;
        if (earlyData === 'accepted') figures.early++;
        if (mode !== 'full') sessions.push(await perf.session.promise);
      } catch (error) {
        if (!(error instanceof PerfFailure)) throw error;
        figures.failed++;
      }
      perf.connection.close(DONE, '');
    };
    const cpu = cpuSeconds();
    const secs = await repeat(wanted, one);
    report({
      handshakes: figures.handshakes,
      secs: rounded(secs),
      hs_per_s: rounded(figures.handshakes / secs),
      resumed: figures.resumed,
      early: figures.early,
      failed: figures.failed,
      client_cpu: rounded(cpuSeconds() - cpu),
    });
  });

/** Connections that are opened and held until a line comes on standard input. */
const idle: Measure = (target, wanted, report) =>
  withClient(target, async (client) => {
    const held: PerfConnection[] = [];
    const secs = await repeat({ ...wanted, seconds: undefined }, async () => {
      held.push(await connected(client));
    });
    report({ conns: held.length, secs: rounded(secs) });
    const lines = createInterface({ input: process.stdin });
    await Promise.race([lines.question(''), new Promise((resolve) => lines.once('close', resolve))]);
    lines.close();
    for (const { connection } of held) connection.close(DONE, '');
  });

/** @param sorted ascending */
const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/**
 * Requests of 1 KiB over one connection, each on a stream of its own, and how long the answers took. Whoever has its
 * answer asks again at once, so that the request leaves in the same turn, with what acknowledges the answer.
 */
const requests: Measure = (target, wanted, report) =>
  withClient(target, async (client) => {
    const perf = await connected(client);
    const done = Promise.withResolvers<void>();
    failing(perf, done.reject);
    const request = encodeRequest('R', 0, ROUND_BYTES);
    const [cpu, start] = [cpuSeconds(), nowUs()];
    const untilUs = wanted.seconds === undefined ? Number.POSITIVE_INFINITY : start + wanted.seconds * 1e6;
    let left = wanted.seconds === undefined ? wanted.count : Number.POSITIVE_INFINITY;
    let waiting = 0;
    /** When each request was made, by the number of its stream. */
    const made: number[] = [];
    const times: number[] = [];
    const ask = (): void => {
      const now = nowUs();
      if (left <= 0 || now >= untilUs) {
        if (waiting === 0) done.resolve();
        return;
      }
      left--;
      waiting++;
      made[streamIndex(open(perf, request))] = now;
    };
    perf.onData = (stream, _buffer, _start, _end, fin) => {
      if (!fin) return;
      times.push(nowUs() - (made[streamIndex(stream)] as number));
      waiting--;
      ask();
    };
    for (let i = 0; i < wanted.concurrency; i++) ask();
    await done.promise;
    const secs = (nowUs() - start) / 1e6;
    const used = cpuSeconds() - cpu;
    perf.connection.close(DONE, '');
    times.sort((a, b) => a - b);
    report({
      requests: times.length,
      secs: rounded(secs),
      rps: rounded(times.length / secs),
      p50_us: Math.round(percentile(times, 0.5)),
      p99_us: Math.round(percentile(times, 0.99)),
      client_cpu: rounded(used),
    });
  });

/** What `quic-perf client -test` may be. */
export const MEASURES = { bulk, dgram: datagrams, hs: handshakes, idle, rr: requests } as const satisfies Record<
  string,
  Measure
>;
