import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { apiPage } from './docs-api.ts';

test('docs/api/quic.md is what the types of cloudbridge/quic say; else `npm run docs:api` writes it', () => {
  const page = apiPage();
  assert.equal(readFileSync(new URL('../docs/api/quic.md', import.meta.url), 'utf8'), page);
  for (const name of ['connectQuic', 'serveHttp3', 'QuicSession', 'QuicConfig'])
    assert.match(page, new RegExp(`^## ${name}$`, 'm'));
});
