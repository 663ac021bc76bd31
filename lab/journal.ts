import fs from 'node:fs';
import path from 'node:path';
import { fileFault } from '#telemetry/file-fault.ts';
import { LabError } from './errors.ts';

/** Something outside the process that `down` must undo. Written before it is made, so that no crash hides it. */
export type JournalEntry =
  | { readonly kind: 'namespace'; readonly name: string }
  /** `/run/netns` was no mount point before (ip-netns makes it one with the first namespace). */
  | { readonly kind: 'netns-mount' }
  | { readonly kind: 'process'; readonly name: string; readonly pid: number; readonly startTime: string }
  | { readonly kind: 'path'; readonly path: string };

/** The append-only list of what a lab made. */
export class Journal {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  /** @throws LabError when it cannot be written; then nothing may be made */
  append(entry: JournalEntry): void {
    try {
      fs.mkdirSync(path.dirname(this.file), { recursive: true });
      fs.appendFileSync(this.file, `${JSON.stringify(entry)}\n`, { flush: true });
    } catch (error) {
      throw new LabError(`${this.file}, which says what is to be undone, cannot be written, ${fileFault(error)}.`);
    }
  }

  /** What was made, oldest first. A last line cut off by a crash counts as not written. */
  read(): JournalEntry[] {
    if (!fs.existsSync(this.file)) return [];
    const lines = fs.readFileSync(this.file, 'utf8').split('\n');
    return lines.slice(0, -1).map((line) => JSON.parse(line) as JournalEntry);
  }

  remove(): void {
    fs.rmSync(this.file, { force: true });
  }
}
