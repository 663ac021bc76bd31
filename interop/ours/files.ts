import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';

/** The file below `root` that a request's path names; undefined where there is none, or it lies outside. */
export const readBelow = (root: string, requested: string): Uint8Array | undefined => {
  const file = path.join(root, path.posix.normalize(`/${requested}`));
  return existsSync(file) ? readFileSync(file) : undefined;
};

/** Collects pieces of files that arrive at the same time, each on a stream, and writes them when they are whole. */
export class Downloads {
  readonly #folder: string;
  readonly #writing: Promise<void>[] = [];
  readonly #pieces = new Map<number, { readonly path: string; readonly pieces: Uint8Array[] }>();
  #finished = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get finished(): number {
    return this.#finished;
  }

  start(stream: number, requested: string): void {
    this.#pieces.set(stream, { path: requested, pieces: [] });
  }

  piece(stream: number, buffer: Uint8Array, start: number, end: number): void {
    if (end > start) this.#pieces.get(stream)?.pieces.push(buffer.slice(start, end));
  }

  finish(stream: number): void {
    const file = this.#pieces.get(stream);
    if (file === undefined) return;
    // What the last packet of a file is answered with does not wait for the disk.
    this.#writing.push(writeFile(path.join(this.#folder, path.basename(file.path)), file.pieces));
    this.#pieces.delete(stream);
    this.#finished++;
  }

  /** Resolves once all that is finished is on the disk. */
  async written(): Promise<void> {
    await Promise.all(this.#writing);
  }
}
