// A parser with a fault that chance alone does not come to, for the test of the fuzzer.
import { test } from 'node:test';
import { survive } from '../../corpus/survive.ts';

const cases = [{ name: 'a', bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), expect: undefined }];

/** Falls over a header that it has to be led to, byte by byte. */
const magic = (bytes: Uint8Array): void => {
  if (bytes[0] !== 0x7f) return;
  if (bytes[1] !== 0x0d) return;
  if (bytes[2] !== 0xbf) return;
  if (bytes[3] !== 0x22) return;
  throw new Error('the header was believed');
};

test('led by coverage', () => survive(cases, magic));
