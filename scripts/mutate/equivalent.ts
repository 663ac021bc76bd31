import { readFileSync } from 'node:fs';

/** A fault, by the line that it is in. */
interface Fault {
  readonly file: string;
  readonly code: string;
  readonly from: string;
  readonly to: string;
}

/** A fault that nobody can see, and why. `to` is left out where all faults of that place are meant. */
export interface Equivalent extends Omit<Fault, 'to'> {
  readonly to?: string;
  readonly why: string;
}

export const EQUIVALENT: readonly Equivalent[] = JSON.parse(
  readFileSync(new URL('equivalent.json', import.meta.url), 'utf8'),
);

export const isEquivalent = ({ file, code, from, to }: Fault): boolean =>
  EQUIVALENT.some(
    (row) =>
      row.file === file && row.code === code.trim() && row.from === from && (row.to === undefined || row.to === to),
  );
