import { nowUs } from '#host/clock/clock.ts';
import { type PerfClient, type PerfConnection, PerfFailure } from '../quic-perf/client.ts';
import { DONE, encodeRequest } from '../quic-perf/request.ts';

/** What the connection that was there before carries from the server: one stream, or DATAGRAMs. */
export type Traffic = 'stream' | 'datagrams';

export interface Phase {
  readonly gbps: number;
  /** The longest time between two pieces that arrived, in milliseconds. */
  readonly worstGapMs: number;
}

/** Longer than any measurement: the connection is closed first. */
const LONG_MS = 600_000;

/** A connection that is kept busy, and what arrives meanwhile. */
export class BusyConnection {
  readonly #perf: PerfConnection;
  #bytes = 0;
  #last = 0;
  #worstUs = 0;

  private constructor(perf: PerfConnection) {
    this.#perf = perf;
  }

  static async open(client: PerfClient, traffic: Traffic): Promise<BusyConnection> {
    const perf = client.connect();
    await perf.complete.promise;
    const busy = new BusyConnection(perf);
    perf.onData = (_stream, _buffer, start, end) => busy.#arrived(end - start);
    perf.datagram = (_connection, _buffer, start, end) => busy.#arrived(end - start);
    const request = traffic === 'stream' ? encodeRequest('D', Number.MAX_SAFE_INTEGER) : encodeRequest('G', LONG_MS);
    perf.connection.write(perf.connection.openStream(true), request, true);
    return busy;
  }

  #arrived(bytes: number): void {
    const now = nowUs();
    this.#bytes += bytes;
    this.#worstUs = Math.max(this.#worstUs, now - this.#last);
    this.#last = now;
  }

  /** What arrives from now on. @throws PerfFailure when the connection ends before */
  async measure(seconds: number): Promise<Phase> {
    const start = nowUs();
    this.#bytes = 0;
    this.#last = start;
    this.#worstUs = 0;
    const time = new Promise<void>((resolve) => setTimeout(resolve, seconds * 1000));
    const ended = await Promise.race([time, this.#perf.ended.promise]);
    if (ended !== undefined) throw new PerfFailure(`the busy connection ended (${ended.by}: ${ended.reason})`);
    const now = nowUs();
    this.#worstUs = Math.max(this.#worstUs, now - this.#last);
    return { gbps: (8 * this.#bytes) / (now - start) / 1000, worstGapMs: this.#worstUs / 1000 };
  }

  close(): void {
    this.#perf.connection.close(DONE, '');
  }
}

export interface Newcomers {
  readonly made: number;
  readonly failed: number;
  /** How long a handshake took, in milliseconds; as long as there was time, when none was made. */
  readonly medianMs: number;
}

const EVERY_MS = 100;

/** One that wants to get in. @returns how long that took, in microseconds; undefined: there was no answer in time */
const newcomer = async (client: PerfClient, untilUs: number): Promise<number | undefined> => {
  const start = nowUs();
  const perf = client.connect();
  const late = setTimeout(() => perf.connection.close(DONE, ''), (untilUs - start) / 1000);
  const made = await perf.made();
  const took = nowUs() - start;
  clearTimeout(late);
  perf.connection.close(DONE, '');
  return made ? took : undefined;
};

/** New clients, ten in a second, while something else goes on. @param client whose connections they are */
export const newcomers = async (client: PerfClient, seconds: number): Promise<Newcomers> => {
  const untilUs = nowUs() + seconds * 1e6;
  const all: Promise<number | undefined>[] = [];
  while (nowUs() < untilUs) {
    all.push(newcomer(client, untilUs));
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  const times = (await Promise.all(all)).filter((time) => time !== undefined);
  const failed = all.length - times.length;
  times.sort((a, b) => a - b);
  return { made: times.length, failed, medianMs: (times[times.length >> 1] ?? seconds * 1e6) / 1000 };
};
