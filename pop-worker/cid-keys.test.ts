import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRotation, derivedCidKey, parseCidKeys } from './cid-keys.ts';
import { StartError } from './start-error.ts';

const RESET = new Uint8Array(32).fill(7);
const [A, B] = ['5a'.repeat(16), 'B4'.repeat(16)] as const;
const keyOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));

test('keys of connection IDs: one a line, with its number; the first one makes them', () => {
  const text = `# since May\n\n  6\t${B}\r\n0 derived\n1 ${A}\n`;
  assert.deepEqual(parseCidKeys(text, 'f', RESET), [
    { id: 6, key: keyOf(B) },
    derivedCidKey(RESET),
    { id: 1, key: keyOf(A) },
  ]);
  assert.deepEqual(parseCidKeys(`0 ${A}`, 'f', undefined), [{ id: 0, key: keyOf(A) }]);
});

test('what is wrong with them is one sentence with its mend, that says no key', () => {
  const wrong = (text: string): string => {
    try {
      parseCidKeys(text, 'cids.keys', RESET);
    } catch (error) {
      assert.ok(error instanceof StartError);
      assert.doesNotMatch(error.message, /\n|5a5a|b4b4/i);
      return error.message;
    }
    return assert.fail(`it was taken: ${text}`);
  };
  const form = /must be a number from 0 to 6 and 32 hexadecimal digits, or `0 derived`$/;
  for (const line of [
    `7 ${A}`,
    `-1 ${A}`,
    A,
    `1 ${A}00`,
    `1 ${A.slice(1)}`,
    `1 ${A} x`,
    '1 derived',
    '0 DERIVED',
    '0',
    `0x1 ${A}`,
    '\0',
  ])
    assert.match(wrong(`0 ${B}\n${line}`), form, line);
  assert.match(wrong(`0 ${B}\nx`), /^the keys of connection IDs cids\.keys, line 2: /);
  for (const none of ['', '\n\n', `#1 ${A}`]) assert.match(wrong(none), /cids\.keys hold none: a line must be/);
  assert.match(wrong(`1 ${A}\n2 ${B}\n1 ${B}`), /have two with the number 1: give one another$/);
  assert.match(wrong(`0 ${A}\n0 derived`), /two with the number 0/);
  assert.throws(() => parseCidKeys('0 derived', 'f', undefined), /line 1: `derived` needs tls\.reset_key$/);
});

test('a number keeps its key while that is in force', () => {
  const [one, two] = [
    { id: 1, key: keyOf(A) },
    { id: 2, key: keyOf(B) },
  ];
  checkRotation([one], [two, one]);
  checkRotation([two, one], [{ ...two, key: keyOf(B) }]);
  assert.throws(() => checkRotation([one, two], [{ id: 2, key: keyOf(A) }]), /number 2 is another one/);
});
