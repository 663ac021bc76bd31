import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describe } from './describe.ts';

test('a token that is not renewed is told with its reason and with what goes on', () => {
  assert.equal(
    describe({ type: 'token-not-renewed', reason: 'the token file t does not exist' }),
    'the token was not renewed: the token file t does not exist; the present one is used until it ends',
  );
});
