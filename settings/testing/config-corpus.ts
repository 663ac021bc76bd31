import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { ConfigError } from '../toml-file.ts';

const FILE = 'x.toml';

/**
 * Holds the parser of a configuration file against a corpus, and against what is made of it.
 *
 * @param corpus cases that expect `taken`, or a part of the message for people; without one, any message
 * @param parse of a text; it throws nothing but a ConfigError
 */
export const testConfigCorpus = (corpus: URL, parse: (text: string, file: string) => unknown): void => {
  const cases = readCorpus<string | undefined>(corpus);
  const read = (bytes: Uint8Array): string => {
    try {
      parse(Buffer.from(bytes).toString(), FILE);
      return 'taken';
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error));
      return error.message;
    }
  };

  test('files of the corpus are taken, or refused with the place of the mistake', () => {
    for (const { name, bytes, expect = `${FILE}:` } of cases) {
      const found = read(bytes);
      assert.ok(found.includes(expect), `${name}: ${found}`);
    }
  });

  test('files made of the corpus are taken or refused with a ConfigError', () => {
    survive(cases, (bytes) => assert.match(read(bytes), /^taken$|^x\.toml:/), { mutants: 2000 });
  });
};
