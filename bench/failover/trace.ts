import { appendFileSync } from 'node:fs';

const FILE = process.env['CBR_BENCH_TRACE'];

/** With `CBR_BENCH_TRACE`, a file: what happened, with the time of day and in JSON, as workers' logs have it. Written at the end. */
export class Trace {
  readonly #lines: string[] = [];

  note(what: object): void {
    if (FILE !== undefined) this.#lines.push(`${JSON.stringify({ time: new Date().toISOString(), ...what })}\n`);
  }

  write(): void {
    if (FILE !== undefined) appendFileSync(FILE, this.#lines.splice(0).join(''));
  }
}
