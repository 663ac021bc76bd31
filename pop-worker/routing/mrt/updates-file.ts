import { type FileHandle, open, rename } from 'node:fs/promises';
import { PART } from './part-file.ts';
import type { MrtConfig } from './setup.ts';

/** Records that wait for the disk; what comes then is lost, and counted. */
export const MOST_WAITING_BYTES = 16 * 1024 * 1024;

/** One file of UPDATEs as they come. It has its name once it is closed; whoever reads it before sees whole records, save the last. */
export class UpdatesFile {
  readonly file: string;
  /** Bytes that were taken. */
  bytes = 0;
  readonly #handle: FileHandle;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  #error: Error | undefined;

  /** @throws Error of the system */
  static async open(file: string): Promise<UpdatesFile> {
    return new UpdatesFile(file, await open(`${file}${PART}`, 'w', 0o640));
  }

  private constructor(file: string, handle: FileHandle) {
    this.file = file;
    this.#handle = handle;
  }

  /** @returns whether it is taken; not when too much waits, or writing has failed */
  add(record: Uint8Array): boolean {
    if (this.#error !== undefined || this.#waitingBytes + record.length > MOST_WAITING_BYTES) return false;
    this.#waiting.push(record);
    this.#waitingBytes += record.length;
    this.bytes += record.length;
    this.#writing ??= this.#write();
    return true;
  }

  /** Writes what waits, and gives the file its name. @throws Error of the system, of this or of what was to be written before */
  async close(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    await this.#handle.close();
    await rename(`${this.file}${PART}`, this.file);
    if (this.#error !== undefined) throw this.#error;
  }

  isFull({ mostBytes }: MrtConfig): boolean {
    return this.bytes >= mostBytes;
  }

  async #write(): Promise<void> {
    // What comes in the same turn goes together.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0 && this.#error === undefined) {
      const chunk = this.#waiting;
      this.#waiting = [];
      try {
        await this.#handle.writev(chunk);
      } catch (error) {
        this.#error = error as Error;
      }
      this.#waitingBytes -= chunk.reduce((sum, { length }) => sum + length, 0);
    }
    this.#writing = undefined;
  }
}
