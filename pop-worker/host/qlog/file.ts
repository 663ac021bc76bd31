import { type FileHandle, open, unlink } from 'node:fs/promises';
import type { QlogSink } from '#protocol/qlog/trace.ts';
import type { QlogBudget } from './budget.ts';

/** Written at once when so much waits; else with the next tick of the recorder. */
const CHUNK_BYTES = 65_536;
/** A connection may be logged again and again. */
const MAX_NAMES = 1000;

/** A new file that only its owner may read. @returns with its path, which has a number where the plain one is taken */
const create = async (path: string, suffix: string): Promise<[FileHandle, string]> => {
  for (let n = 1; ; n++) {
    const name = `${path}${n === 1 ? '' : `-${n}`}${suffix}`;
    try {
      return [await open(name, 'wx', 0o600), name];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || n === MAX_NAMES) throw error;
    }
  }
};

export interface QlogFileEvents {
  /** It could not be made or written, and is given up. */
  failed(path: string, error: unknown): void;
  /** Nothing more will be written. */
  closed(file: QlogFile): void;
}

/** The file of one trace. Whoever logs never waits: what is recorded is written by and by, and made at the first write. */
export class QlogFile implements QlogSink {
  readonly #path: string;
  readonly #suffix: string;
  readonly #budget: QlogBudget;
  readonly #events: QlogFileEvents;
  #texts: string[] = [];
  /** Of `#texts`; of all that was taken. */
  #bytes = 0;
  #total = 0;
  #handle: FileHandle | undefined;
  #name: string | undefined;
  #writing: Promise<void> | undefined;
  #state: 'open' | 'ending' | 'discarding' | 'failed' = 'open';

  /** @param path without what makes it unique @param suffix behind it */
  constructor(path: string, suffix: string, budget: QlogBudget, events: QlogFileEvents) {
    this.#path = path;
    this.#suffix = suffix;
    this.#budget = budget;
    this.#events = events;
  }

  record(text: string): boolean {
    const { records } = this.#budget.counters;
    if (this.#state !== 'open') {
      records.failed++;
      return false;
    }
    const bytes = Buffer.byteLength(text);
    const refusal = this.#budget.refusal(this.#total, bytes);
    if (refusal !== undefined) {
      records[refusal]++;
      return false;
    }
    this.#add(text, bytes);
    if (this.#bytes >= CHUNK_BYTES) this.flush();
    return true;
  }

  #add(text: string, bytes: number): void {
    this.#budget.take(bytes);
    this.#texts.push(text);
    this.#bytes += bytes;
    this.#total += bytes;
  }

  end(last: string): void {
    if (this.#state !== 'open') return;
    if (last !== '') this.#add(last, Buffer.byteLength(last));
    this.#state = 'ending';
    this.flush();
  }

  discard(): void {
    if (this.#state !== 'open') return;
    this.#state = 'discarding';
    this.flush();
  }

  /** Begins to write what waits, unless that is going on. */
  flush(): void {
    if (this.#writing !== undefined || (this.#state === 'open' && this.#texts.length === 0)) return;
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
      if (this.#state === 'open') return;
      this.#events.closed(this);
    });
  }

  async #write(): Promise<void> {
    try {
      while (this.#texts.length > 0 && this.#state !== 'discarding') await this.#chunk();
      if (this.#state === 'open') return;
      await this.#handle?.close();
      if (this.#state === 'discarding' && this.#name !== undefined) await unlink(this.#name);
    } catch (error) {
      this.#state = 'failed';
      await this.#handle?.close().catch(() => {});
      this.#events.failed(this.#name ?? `${this.#path}${this.#suffix}`, error);
    }
    this.#forget();
  }

  async #chunk(): Promise<void> {
    const { counters } = this.#budget;
    if (this.#handle === undefined) [this.#handle, this.#name] = await create(this.#path, this.#suffix);
    const texts = this.#texts;
    const bytes = this.#bytes;
    this.#texts = [];
    this.#bytes = 0;
    try {
      await this.#handle.appendFile(texts.join(''));
    } catch (error) {
      counters.records.failed += texts.length;
      throw error;
    } finally {
      this.#budget.settle(bytes);
    }
    counters.bytes += bytes;
    counters.records.written += texts.length;
  }

  /** What waits is never written. */
  #forget(): void {
    this.#budget.settle(this.#bytes);
    if (this.#state === 'failed') this.#budget.counters.records.failed += this.#texts.length;
    this.#texts = [];
    this.#bytes = 0;
  }

  /** When all that was begun is done. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }
}
