import { readFileSync } from 'node:fs';

/** A fault, by the line that it is in. */
interface Fault {
  readonly file: string;
  readonly code: string;
  readonly from: string;
  readonly to: string;
}

/** Faults that nobody can see, and why. Without `to` all of that place are meant, without `from` all of that line. */
export interface Equivalent extends Pick<Fault, 'file' | 'code'> {
  readonly from?: string;
  readonly to?: string;
  readonly why: string;
}

export const EQUIVALENT: readonly Equivalent[] = JSON.parse(
  readFileSync(new URL('equivalent.json', import.meta.url), 'utf8'),
);

/** @returns whether a row of the list is about this fault */
export const isMeant = (row: Equivalent, { file, code, from, to }: Fault): boolean =>
  row.file === file && row.code === code.trim() && (row.from ?? from) === from && (row.to ?? to) === to;

export const isEquivalent = (fault: Fault): boolean => EQUIVALENT.some((row) => isMeant(row, fault));
