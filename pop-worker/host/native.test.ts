import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { native, refusal } from './native.ts';
import { UDP_COUNTERS, UdpFlag } from './udp/native.ts';

const REFUSED: readonly (readonly [
  node: string | undefined,
  openssl: string | undefined,
  reason: RegExp | undefined,
])[] = [
  ['24.21.0', '3.5.8', undefined],
  ['24.0.0', '3.5.0', undefined],
  ['20.20.2', '3.0.15', /runs on Node 24, this is Node 20\.20\.2/],
  ['26.1.0', '3.5.8', /runs on Node 24/],
  ['240.0.0', '3.5.8', /runs on Node 24/],
  ['24.21.0', '3.0.15', /OpenSSL 3\.5\.x, this one has 3\.0\.15/],
  ['24.21.0', '3.50.1', /OpenSSL 3\.5\.x/],
  [undefined, undefined, /this is Node none/],
];

for (const [node, openssl, reason] of REFUSED) {
  test(`Node ${node} with OpenSSL ${openssl} is ${reason === undefined ? 'taken' : 'refused'}`, () => {
    const said = refusal({ ...(node && { node }), ...(openssl && { openssl }) });
    if (reason === undefined) assert.equal(said, undefined);
    else assert.match(said ?? '', reason);
  });
}

const handles = (): unknown[] => {
  const timer = native.timerOpen();
  native.timerClose(timer);
  const namespace = native.namespaceOpen('/proc/self/ns/net');
  native.namespaceClose(namespace);
  return [timer, namespace];
};

// No small integer and no printable name, with which a call would succeed and change something.
const WRONG: readonly unknown[] = [
  ...[undefined, null, true, Number.NaN, -1, 0.5, 2 ** 31, -(2 ** 40), Number.NEGATIVE_INFINITY, 1n, Symbol('x')],
  ...['', 'a\0b', 'x'.repeat(5000), {}, [], () => {}, new Date(), new ArrayBuffer(8), new DataView(new ArrayBuffer(8))],
  ...[new Uint8Array(0), new Int32Array(3), new Float64Array(1), new BigInt64Array(2), new Proxy({}, {})],
  ...handles(),
];

// Functions that need no arguments or to which some of the above is right.
const HARMLESS = new Set([
  'bootUs',
  'nowUs',
  'openerNew',
  'sealerNew',
  'threadCpuUs',
  'threadId',
  'threadYield',
  'tickUs',
  'tlsDeskWaiting',
  'timerOpen',
  'timerClose',
  'namespaceClose',
  'namespaceCookie',
]);

for (const [name, call] of Object.entries(native) as [string, (...args: unknown[]) => unknown][]) {
  if (HARMLESS.has(name)) continue;
  test(`${name} throws on wrong arguments`, () => {
    assert.throws(() => call());
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...WRONG), { maxLength: 8 }), (args) => {
        // threadName('') and threadAffinity are right with some of them; whatever happens, it is an Error or fine.
        try {
          call(...args);
        } catch (error) {
          assert.ok(error instanceof Error);
          assert.match(String((error as NodeJS.ErrnoException).code), /^E/);
        }
      }),
      { numRuns: 200 },
    );
  });
}

test('one kind of handle is never taken for another', () => {
  const timer = native.timerOpen();
  for (const take of [native.udpClose, native.tunClose, native.pollClose, native.namespaceClose]) {
    assert.throws(() => take(timer as never), { name: 'TypeError', message: /handle of the right kind/ });
  }
  native.timerClose(timer);
  native.timerClose(timer);
  assert.throws(() => native.timerArm(timer, 0), { code: 'ERR_CLOSED' });
});

test('errors name the argument and its bounds', () => {
  const words = new Int32Array(6);
  assert.throws(() => native.udpOpen(words, 0, 0, 0, 0, '', 1), { name: 'RangeError', message: /family 4 or 6/ });
  words[0] = 4;
  assert.throws(() => native.udpOpen(words, 1.5, 0, 0, 0, '', 1), { message: 'flags must be an integer' });
  assert.throws(() => native.udpOpen(words, 0, 0, 0, 0, '', 65_537), { message: 'slotBytes must be from 1 to 65536' });
  assert.throws(() => native.udpOpen(words, 0, 0, 0, 0, 'x'.repeat(16), 1), { message: /shorter than 16 bytes/ });
  assert.throws(() => native.pollOpen(1_000_000, false, () => {}), { code: 'EBADF' });
  assert.throws(() => native.namespaceOpen('/no/such'), { code: 'ENOENT', message: /^\/no\/such: no such file/ });
});

const headerOf = (name: string): string => readFileSync(new URL(`../native/${name}`, import.meta.url), 'utf8');

/** Names of the C enum that ends with `end`, as camelCase. */
const enumOf = (header: string, end: string): string[] => {
  const [, body = ''] = new RegExp(`enum \\{([^}]*)\\b${end}\\b`).exec(header) ?? [];
  const words = [...body.matchAll(/C_(\w+)/g)].map(([, name = '']) => name.toLowerCase());
  return words.map((name) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()));
};

test('counters and flags are the same in C and TypeScript', async () => {
  const { TUN_COUNTERS } = await import('./tun/native.ts');
  assert.deepEqual(enumOf(headerOf('udp.h'), 'UDP_COUNTERS'), [...UDP_COUNTERS]);
  assert.deepEqual(enumOf(headerOf('tun.h'), 'TUN_COUNTERS'), [...TUN_COUNTERS]);
  const [, all] = /UDP_ALL_FLAGS (\d+)/.exec(headerOf('udp.h')) ?? [];
  assert.equal(
    Object.values(UdpFlag).reduce((sum, bit) => sum | bit, 0),
    Number(all),
  );
});
