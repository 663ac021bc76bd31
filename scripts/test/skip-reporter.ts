// A reporter for node:test that writes one JSON line for each skipped test, and one for the end with the counts.
import path from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { root } from '../setup/paths.mjs';

/** A test that did not run. `name` is `file › test`, the file from the top of the clone. */
export type SkippedTest = { readonly name: string; readonly reason: string };

export default async function* skipReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { skip, file, name } = event.data;
    if (skip === undefined || skip === false) continue;
    const reason = typeof skip === 'string' ? skip : '';
    const skipped: SkippedTest = { name: `${file ? path.relative(root, file) : ''} › ${name}`, reason };
    yield `${JSON.stringify(skipped)}\n`;
  }
}
