import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { ConfigError } from '#settings/toml-file.ts';
import { parseServicesConfig } from './config.ts';

const corpus = readCorpus<string>(new URL('testing/corpus/services-files.json', import.meta.url));

/** 'taken', or the message for people. */
const read = (bytes: Uint8Array): string => {
  try {
    parseServicesConfig(Buffer.from(bytes).toString(), 'x.toml');
    return 'taken';
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
};

test('files of the corpus are taken, or refused with the setting at fault', () => {
  for (const { name, bytes, expect } of corpus) {
    const found = read(bytes);
    assert.ok(found.includes(expect), `${name}: ${found}`);
  }
});

test('files made of the corpus are taken or refused with a ConfigError', () => {
  survive(corpus, (bytes) => assert.match(read(bytes), /^taken$|^x\.toml/), { mutants: 2000 });
});
