import { writeMessage, writeStateChange } from '#protocol/mrt/messages.ts';
import { type MonitoredPeer, timeNow } from '../bgp/monitored.ts';
import { fileIn, finishOld, keepNewest, type MrtKind } from './folder.ts';
import { MrtMetrics } from './mrt-metrics.ts';
import { writeFault, writeWhole } from './part-file.ts';
import type { MrtConfig, MrtFile, MrtStatus } from './setup.ts';
import { UpdatesFile } from './updates-file.ts';

/** What is written, and who hears of trouble. */
export interface MrtSource {
  /** All records of a table as it is now (`dumpRoutes`). @param seconds since 1970 */
  table(seconds: number): Iterable<Uint8Array>;
  /** @param text for a log */
  trouble(text: string): void;
}

/** Writes tables and UPDATEs as MRT files: one-off dumps, and files that follow each other in a folder. */
export class MrtWriter {
  readonly #source: MrtSource;
  readonly #metrics: MrtMetrics;
  #config: MrtConfig | undefined;
  #updates: UpdatesFile | undefined;
  #timers: NodeJS.Timeout[] = [];
  /** What is being done with files, one thing after the other. */
  #last: Promise<void> = Promise.resolve();
  #isDumping = false;
  #isRotating = false;
  #table: MrtFile | undefined;
  #dropped = 0;
  #lastError: string | undefined;

  /** @param slots one block of `telemetry/slots.ts` */
  constructor(slots: Float64Array, source: MrtSource) {
    this.#source = source;
    this.#metrics = new MrtMetrics(slots);
  }

  /** Whether UPDATEs are wanted. */
  get isListening(): boolean {
    return this.#updates !== undefined;
  }

  /** Writes as this has it from now on; undefined: nothing by itself. */
  set(config: MrtConfig | undefined): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    const before = this.#config;
    this.#do(() => this.#endUpdates(before));
    this.#config = config;
    if (config === undefined) return;
    const { directory, tableS, updates, rotateS } = config;
    this.#do(async () => {
      await finishOld(directory);
      if (updates) await this.#beginUpdates(config);
    });
    if (updates) {
      this.#timers.push(setInterval(() => this.#rotate(config), 1000 * rotateS));
    }
    if (tableS > 0) this.#timers.push(setInterval(() => this.#do(() => this.#writeTable(config)), 1000 * tableS));
  }

  /**
   * Writes the table as it is now.
   *
   * @param file path of the file
   * @throws Error in a sentence when that is not to be had
   */
  async dump(file: string): Promise<MrtFile> {
    if (this.#isDumping) throw new Error('another table is being written: ask again when it is done');
    this.#isDumping = true;
    try {
      const written = await writeWhole(file, this.#source.table(timeNow().seconds));
      this.#table = written;
      this.#metrics.records(written.records);
      this.#metrics.file('rib');
      return written;
    } catch (error) {
      this.#metrics.failed();
      throw error;
    } finally {
      this.#isDumping = false;
    }
  }

  /** An UPDATE has come. @param message all of it, with its marker; copied */
  updated(peer: MonitoredPeer, message: Uint8Array, hasPathIds: boolean): void {
    const { asBytes } = peer;
    this.#add(writeMessage(timeNow(), { ...sessionOf(peer), isOurs: false, asBytes, hasPathIds, message }));
  }

  /** @param from, to states, 0 for Idle */
  changed(peer: MonitoredPeer, from: number, to: number): void {
    // RFC 6396 §4.4.1: 1 is Idle.
    this.#add(writeStateChange(timeNow(), { ...sessionOf(peer), from: from + 1, to: to + 1 }));
  }

  status(): MrtStatus | undefined {
    if (this.#config === undefined && this.#table === undefined) return undefined;
    return {
      directory: this.#config?.directory ?? '',
      table: this.#table,
      dropped: this.#dropped,
      lastError: this.#lastError,
    };
  }

  /** Ends; what was written of UPDATEs has its name then. */
  async close(): Promise<void> {
    this.set(undefined);
    await this.#last;
  }

  #add(record: Uint8Array): void {
    const updates = this.#updates;
    if (updates === undefined) return;
    if (updates.add(record)) this.#metrics.records(1);
    else {
      this.#dropped++;
      this.#metrics.dropped();
    }
    if (this.#config !== undefined && updates.isFull(this.#config)) this.#rotate(this.#config);
  }

  #rotate(config: MrtConfig): void {
    const full = this.#updates;
    // An empty one goes on; one that is being followed is not followed twice.
    if (full === undefined || full.bytes === 0 || this.#isRotating) return;
    this.#isRotating = true;
    this.#do(async () => {
      this.#isRotating = false;
      if (this.#updates !== full || this.#config !== config) return;
      const next = await UpdatesFile.open(await fileIn(config.directory, 'updates', new Date()));
      this.#updates = next;
      await this.#end(full, config);
    });
  }

  async #beginUpdates({ directory }: MrtConfig): Promise<void> {
    this.#updates = await UpdatesFile.open(await fileIn(directory, 'updates', new Date()));
  }

  async #endUpdates(config: MrtConfig | undefined): Promise<void> {
    const last = this.#updates;
    this.#updates = undefined;
    if (last !== undefined) await this.#end(last, config);
  }

  async #end(file: UpdatesFile, config: MrtConfig | undefined): Promise<void> {
    await file.close();
    this.#metrics.file('updates');
    if (config !== undefined) await keepNewest(config.directory, 'updates', config.keep);
  }

  async #writeTable({ directory, keep }: MrtConfig): Promise<void> {
    const kind: MrtKind = 'rib';
    await this.dump(await fileIn(directory, kind, new Date()));
    await keepNewest(directory, kind, keep);
  }

  #do(what: () => Promise<void>): void {
    const directory = this.#config?.directory;
    const done = async (): Promise<void> => {
      await what();
      this.#lastError = undefined;
    };
    this.#last = this.#last.then(done).catch((error: Error) => {
      const fault = writeFault(error);
      this.#lastError = fault === undefined ? error.message : `no MRT file can be written in ${directory}, ${fault}`;
      this.#metrics.failed();
      this.#source.trouble(this.#lastError);
    });
  }
}

const sessionOf = ({ as, localAs, address, localAddress }: MonitoredPeer) => ({
  peerAs: as,
  localAs,
  interfaceIndex: 0,
  peerAddress: address,
  localAddress,
});
