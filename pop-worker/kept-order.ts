import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { DrainCause, LocalOrder } from '#control/source.ts';
import { fileFault } from '#telemetry/file-fault.ts';

const FILE = 'local-order';
const KEPT: readonly string[] = ['drain', 'withdraw', 'undrain'] satisfies LocalOrder[];
const CAUSES: readonly string[] = ['worker', 'pop'] satisfies DrainCause[];

/**
 * What was ordered at the machine, on disk: a worker that starts without its control plane would serve otherwise, though its
 * operator has taken it out.
 */
export class KeptOrder {
  readonly #directory: string;
  readonly #file: string;
  readonly #warn: (reason: string) => void;
  /** What is in force was ordered in an earlier run. */
  isFromBefore = false;
  /** What an `undrain` is against: drains that the control plane had ordered then. */
  against: readonly DrainCause[] = [];

  /** @param directory of the worker's state; is made @param warn is told what could not be read or written */
  constructor(directory: string, warn: (reason: string) => void) {
    this.#directory = directory;
    this.#file = path.join(directory, FILE);
    this.#warn = warn;
  }

  /** What an earlier run was ordered; `serve`: nothing, or nothing that can be read. */
  read(): LocalOrder {
    let text: string;
    try {
      text = readFileSync(this.#file, 'utf8').trim();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#warn(`${this.#file} cannot be read, ${fileFault(error)}: what was ordered before is not known`);
      return 'serve';
    }
    const [order = '', ...against] = text.split(' ');
    const isAgainst = against.length > 0 && against.every((cause) => CAUSES.includes(cause));
    this.isFromBefore = KEPT.includes(order) && (order === 'undrain' ? isAgainst : against.length === 0);
    if (this.isFromBefore) {
      this.against = against as DrainCause[];
      return order as LocalOrder;
    }
    this.#warn(`${this.#file} holds neither of ${KEPT.join(', ')}: what was ordered before is not known`);
    return 'serve';
  }

  /** @param against of an `undrain` alone @returns whether the next run will know of it */
  keep(order: LocalOrder, against: readonly DrainCause[] = []): boolean {
    this.isFromBefore = false;
    this.against = order === 'undrain' ? against : [];
    try {
      if (order === 'serve') rmSync(this.#file, { force: true });
      else this.#write(`${[order, ...this.against].join(' ')}\n`);
      return true;
    } catch (error) {
      this.#warn(
        `${this.#file} cannot be written, ${fileFault(error)}: the order is obeyed, and ends with the process`,
      );
      return false;
    }
  }

  #write(text: string): void {
    mkdirSync(this.#directory, { recursive: true });
    const descriptor = openSync(`${this.#file}.new`, 'w', 0o600);
    try {
      writeSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(`${this.#file}.new`, this.#file);
  }
}
