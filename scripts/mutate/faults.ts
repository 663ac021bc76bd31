import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isEquivalent } from './equivalent.ts';
import { type Mutation, mutationsOf } from './mutations.ts';

/** A fault that counts, by its number among all mutations of its file. */
export interface Fault {
  readonly file: string;
  readonly number: number;
  readonly mutation: Mutation;
}

/** The faults of one file but those that nobody could see. */
export const faultsIn = (root: string, file: string): Fault[] => {
  const source = readFileSync(join(root, file), 'utf8');
  const lines = source.split('\n');
  return mutationsOf(source)
    .map((mutation, number) => ({ file, number, mutation }))
    .filter(({ mutation: { line, from, to } }) => !isEquivalent({ file, code: lines[line - 1] ?? '', from, to }));
};

/** The line that tells of a fault which the tests did not notice. */
export const survivorLine = ({ file, mutation: { line, from, to } }: Fault): string =>
  `survived ${file}:${line}: ${from} → ${to === '' ? 'nothing' : to}`;
