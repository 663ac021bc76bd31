import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { hostPort, natsServers, prefix } from './fields.ts';
import { ConfigError, parseToml } from './toml-file.ts';

const Schema = z.strictObject({
  listen: hostPort,
  refused: z.array(prefix).default([]),
  nats: z.strictObject({ servers: natsServers }),
});

/** 'taken', or the message for people. */
const read = (bytes: Uint8Array): string => {
  try {
    parseToml(Schema, Buffer.from(bytes).toString(), 'x.toml');
    return 'taken';
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
};

const corpus = readCorpus<string | undefined>(new URL('testing/corpus/toml.json', import.meta.url));

test('files of the corpus are taken, or refused with the place of the mistake', () => {
  for (const { name, bytes, expect = 'x.toml:' } of corpus) {
    const found = read(bytes);
    assert.ok(found.startsWith(expect), `${name}: ${found}`);
  }
});

test('files made of the corpus are taken or refused with a ConfigError', () => {
  survive(corpus, (bytes) => assert.match(read(bytes), /^taken$|^x\.toml:/));
});
