import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root } from './setup/paths.mjs';
import { sourceFiles } from './source-files.ts';

const LINK = /\]\(([^)\s]+)\)/g;
/** Code is no place for links. */
const FENCED = /^( *)```[\s\S]*?^\1```/gm;

const relativeLinks = (markdown: string): string[] =>
  [...markdown.replaceAll(FENCED, '').matchAll(LINK)]
    .map(([, target = '']) => target.split('#')[0] ?? '')
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target));

test('links are found outside of code, with and without an anchor', () => {
  const text = 'a [b](c.md) [d](https://e) [f](g.md#h) [i](#j)\n\n```sh\n[k](l.md)\n```\n';
  assert.deepEqual(relativeLinks(text), ['c.md', 'g.md']);
});

test('every relative link of the documents leads somewhere', () => {
  const broken = sourceFiles('*.md').flatMap((file) =>
    relativeLinks(readFileSync(path.join(root, file), 'utf8'))
      .filter((target) => !existsSync(path.join(root, path.dirname(file), target)))
      .map((target) => `${file}: ${target}`),
  );
  assert.deepEqual(broken, []);
});
