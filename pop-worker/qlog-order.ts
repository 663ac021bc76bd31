import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { QLOG_SUFFIX, type QlogSettings } from '#host/qlog/recorder.ts';
import type { FormatName } from '#protocol/qlog/format/registry.ts';
import { fileFault } from '#telemetry/file-fault.ts';
import type { WorkerConfig } from './config.ts';
import { StartError } from './start-error.ts';

/** A day: whoever wants it for longer says nothing. */
const MAX_SECONDS = 86_400;

/** What `cloudbridge worker qlog` shows. */
export interface QlogState {
  readonly on: boolean;
  /** Absent: the worker's file names none. */
  readonly directory?: string;
  /** When it ends by itself (RFC 3339); absent: when it is told to. */
  readonly until?: string;
}

/** Bytes of logs that are in a directory. @throws StartError when nothing can be written there */
const bytesIn = (directory: string): number => {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return readdirSync(directory)
      .filter((name) => name.endsWith(QLOG_SUFFIX))
      .reduce((sum, name) => sum + (statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0), 0);
  } catch (error) {
    throw new StartError(`no connection can be logged to ${directory}, ${fileFault(error)}`);
  }
};

/** Whether connections are logged, which an operator decides at the machine, and for how long. */
export class QlogOrder {
  readonly #config: NonNullable<WorkerConfig['qlog']> | undefined;
  readonly #threads: number;
  readonly #tell: (settings: QlogSettings | undefined) => void;
  #on = false;
  #until: Date | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param tell lets each thread know; its limits are a thread's share */
  constructor(
    { qlog, listen }: Pick<WorkerConfig, 'qlog' | 'listen'>,
    tell: (settings: QlogSettings | undefined) => void,
  ) {
    this.#config = qlog;
    this.#threads = listen.threads;
    this.#tell = tell;
  }

  get state(): QlogState {
    return {
      on: this.#on,
      ...(this.#config && { directory: this.#config.directory }),
      ...(this.#until && { until: this.#until.toISOString() }),
    };
  }

  /** What the worker's file asks for. @throws StartError */
  begin(): void {
    if (this.#config?.enabled) this.#start();
  }

  /**
   * What was asked at the admin socket: `state` on, off, or nothing to be told; `seconds` until it ends by itself.
   *
   * @throws Error with one sentence
   */
  order({ state, seconds }: Readonly<Record<string, unknown>>): QlogState {
    if (state === 'on') this.#turnOn(seconds);
    else if (state === 'off') this.#turnOff();
    else if (state !== undefined) throw new Error('state is on or off');
    return this.state;
  }

  #turnOn(seconds: unknown): void {
    const isTime = Number.isInteger(seconds) && Number(seconds) >= 1 && Number(seconds) <= MAX_SECONDS;
    if (seconds !== undefined && !isTime) throw new Error(`seconds is a whole number, 1 to ${MAX_SECONDS}`);
    // What is on stays as it is, only for another time.
    if (!this.#on) this.#start();
    clearTimeout(this.#timer);
    this.#until = undefined;
    if (seconds === undefined) return;
    this.#until = new Date(Date.now() + Number(seconds) * 1000);
    this.#timer = setTimeout(() => this.#turnOff(), Number(seconds) * 1000).unref();
  }

  #start(): void {
    if (this.#config === undefined) {
      throw new StartError(
        "no directory for logs of connections: set [qlog] directory in the worker's file and restart",
      );
    }
    const { directory, format, connections, connection_bytes: connectionBytes, total_bytes: most } = this.#config;
    const there = bytesIn(directory);
    if (there >= most) {
      throw new StartError(
        `${directory} has ${there} bytes of logs, and [qlog] total_bytes allows ${most}: remove some, or raise it and restart`,
      );
    }
    const totalBytes = Math.floor((most - there) / this.#threads);
    const share = Math.ceil(connections / this.#threads);
    this.#on = true;
    this.#tell({ directory, format: format as FormatName, connections: share, connectionBytes, totalBytes });
  }

  #turnOff(): void {
    clearTimeout(this.#timer);
    this.#until = undefined;
    if (this.#on) this.#tell(undefined);
    this.#on = false;
  }
}
