import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Skip, type SuiteCase } from '#bench/suite.ts';
import { cases } from './bfd.ts';

/** Runs a case as `cloudbridge interop bfd` does, and wants all of it. */
const proves = async (t: TestContext, name: string): Promise<void> => {
  const one = cases.find((found) => found.name === name) as SuiteCase;
  const context = { peers: true, run: 0, remark: () => {}, skipPeer: () => {} };
  try {
    const lines = await one.run(context);
    assert.ok(lines.length > 0);
    for (const { metric, value } of lines) assert.equal(value, 1, metric);
  } catch (error) {
    if (!(error instanceof Skip)) throw error;
    t.skip(error.message);
  }
};

test('BIRD: sessions of both families at 3 times 50 ms', (t) => proves(t, 'up'));

test('BIRD: a password, the right one and another', (t) => proves(t, 'simple-password'));

test('BIRD: meticulous keyed SHA1, with the key and with another', (t) => proves(t, 'meticulous-keyed-sha1'));

test('BIRD: intervals change without a flap', (t) => proves(t, 'timers'));

test('BIRD: taken down administratively, and up again', (t) => proves(t, 'admin-down'));
