import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './setup/paths.mjs';
import { sourceFiles } from './source-files.ts';
import { filesNamed, type SpecRow, specRows } from './spec-citations.ts';

/** One SPEC*.md of the clone; test files in it are seen from its folder. */
export type SpecFile = {
  /** From the top of the clone. */
  readonly file: string;
  readonly rows: readonly SpecRow[];
  readonly named: readonly string[];
};

export const readSpecs = (): SpecFile[] =>
  sourceFiles('*SPEC*.md').map((file) => {
    const markdown = readFileSync(path.join(root, file), 'utf8');
    return { file, rows: specRows(markdown), named: filesNamed(markdown) };
  });

/** Tests that some SPEC cites, as `file › name` with the file from the top of the clone; each with its place. */
export const citedTests = (specs: readonly SpecFile[]): Map<string, string> =>
  new Map(
    specs.flatMap(({ file: spec, rows }) =>
      rows.flatMap(({ line, citations = [] }) =>
        citations.map(({ file, test }) => [
          `${path.posix.join(path.posix.dirname(spec), file)} › ${test}`,
          `${spec}:${line}`,
        ]),
      ),
    ),
  );
