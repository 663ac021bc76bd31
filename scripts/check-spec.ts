// Does every test that a SPEC*.md cites exist? The form: `file.test.ts` › "name of the test", the file seen from the SPEC.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './setup/paths.mjs';
import { sourceFiles } from './source-files.ts';
import { citationsIn, hasTest } from './spec-citations.ts';

let cited = 0;
let wrong = 0;

const complain = (text: string): void => {
  console.error(text);
  wrong++;
};

/** Beside the SPEC, or from the top of the clone. */
const locate = (spec: string, file: string): string | undefined =>
  [path.join(root, path.dirname(spec), file), path.join(root, file)].find((candidate) => existsSync(candidate));

for (const spec of sourceFiles('*SPEC*.md')) {
  for (const { file, test } of citationsIn(readFileSync(path.join(root, spec), 'utf8'))) {
    cited++;
    const found = locate(spec, file);
    if (found === undefined) complain(`${spec}: there is no ${file}.`);
    else if (test !== undefined && !hasTest(readFileSync(found, 'utf8'), test)) {
      complain(`${spec}: ${file} has no test "${test}".`);
    }
  }
}
if (wrong === 0) console.log(`${cited} cited tests exist.`);
else process.exitCode = 1;
