import { join } from 'node:path';
import type { Http3Observer } from '#protocol/http3/observer.ts';
import { FORMATS, type FormatName } from '#protocol/qlog/format/registry.ts';
import { groupIdOf, QlogTrace } from '#protocol/qlog/trace.ts';
import type { QuicConnection } from '#protocol/quic/api.ts';
import type { Connection } from '#protocol/quic/connection.ts';
import type { ConnectionObserver } from '#protocol/quic/observer.ts';
import { nowUs } from '../clock/clock.ts';
import { QlogBudget, type QlogLimits, qlogCounters } from './budget.ts';
import { QlogFile } from './file.ts';

/** JSON text sequences (main schema §11.2). */
export const QLOG_SUFFIX = '.sqlog';

const FLUSH_MS = 200;

export interface QlogSettings extends QlogLimits {
  readonly directory: string;
  readonly format: FormatName;
}

/** Of a program that one person looks at; a PoP has its own. */
export const DEFAULT_QLOG_LIMITS: QlogLimits = {
  connections: 100,
  connectionBytes: 64 << 20,
  totalBytes: 1 << 30,
};

interface Logged {
  readonly trace: QlogTrace;
  readonly file: QlogFile;
}

/**
 * Logs connections of one thread to a file each, while it is told to. The files are written beside whatever the thread
 * does; what is beyond the limits is left out and counted.
 */
export class QlogRecorder {
  readonly counters = qlogCounters();
  readonly #failed: (path: string, error: unknown) => void;
  readonly #logged = new Map<QuicConnection, Logged>();
  readonly #files = new Set<QlogFile>();
  #settings: QlogSettings | undefined;
  #budget = new QlogBudget(DEFAULT_QLOG_LIMITS, this.counters);
  #ticker: NodeJS.Timeout | undefined;
  #told = false;

  /** @param failed is told of the first file that could not be written since `start` */
  constructor(failed: (path: string, error: unknown) => void) {
    this.#failed = failed;
  }

  get isOn(): boolean {
    return this.#settings !== undefined;
  }

  /** Connections that are being logged. */
  get size(): number {
    return this.#logged.size;
  }

  /** From now on new connections are logged; those that are there are when they are handed to `watch`. */
  start(settings: QlogSettings): void {
    this.#settings = settings;
    this.#budget = new QlogBudget(settings, this.counters);
    this.#told = false;
    this.#ticker ??= setInterval(() => {
      for (const file of this.#files) file.flush();
    }, FLUSH_MS).unref();
  }

  /** A new connection, for `EndpointOptions.observe`; undefined while nothing is logged. */
  observe(connection: Connection): ConnectionObserver | undefined {
    const settings = this.#settings;
    if (settings === undefined) return undefined;
    const { unlogged } = this.counters;
    if (this.#logged.size >= settings.connections || this.#budget.isSpent) {
      unlogged[this.#budget.isSpent ? 'total_full' : 'too_many']++;
      return undefined;
    }
    return this.#begin(connection, settings);
  }

  /** A connection that is there already. */
  watch(connection: Connection): void {
    if (connection.parts.observer === undefined) connection.parts.observer = this.observe(connection);
  }

  #begin(connection: Connection, { directory, format }: QlogSettings): QlogTrace {
    const { parts } = connection;
    const name = `${groupIdOf(parts)}_${connection.isServer ? 'server' : 'client'}`;
    const file = new QlogFile(join(directory, name), QLOG_SUFFIX, this.#budget, {
      failed: (path, error) => this.#onFailed(path, error),
      closed: (over) => {
        this.#files.delete(over);
        if (this.#logged.get(connection)?.file === over) this.#end(connection);
      },
    });
    this.#files.add(file);
    const wallClock = new Date().toISOString();
    const trace = new QlogTrace(parts, { format: FORMATS[format], sink: file, now: nowUs, wallClock });
    this.#logged.set(connection, { trace, file });
    return trace;
  }

  #end(connection: QuicConnection): void {
    const logged = this.#logged.get(connection);
    if (logged === undefined) return;
    this.#logged.delete(connection);
    logged.trace.end();
    const { parts } = connection as Connection;
    if (parts.observer === logged.trace) parts.observer = undefined;
  }

  #onFailed(path: string, error: unknown): void {
    this.counters.unlogged.failed++;
    if (this.#told) return;
    this.#told = true;
    this.#failed(path, error);
  }

  /** Who sees the HTTP/3 frames of a connection that is logged. */
  http3Of(connection: QuicConnection): Http3Observer | undefined {
    return this.#logged.get(connection)?.trace.http3;
  }

  /** Ends what is being logged; the files are complete when the result resolves. */
  async stop(): Promise<void> {
    this.#settings = undefined;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
    for (const connection of [...this.#logged.keys()]) this.#end(connection);
    await Promise.all([...this.#files].map((file) => file.settled()));
  }
}
