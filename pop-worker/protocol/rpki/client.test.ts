import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench, cacheReset, end, join, notify, report, response, roa } from './testing/cache.ts';

const RESET = '0102000000000008';
const RESET_0 = '0002000000000008';
const query = (serial: number) => `010100070000000c${serial.toString(16).padStart(8, '0')}`;

/** With one record of serial 3. */
const current = (): Bench => {
  const bench = new Bench();
  bench.connect();
  bench.take(response(1), roa(1, '192.0.2.0/24 64500'), end(1, 3));
  assert.equal(bench.client.state, 'current');
  assert.deepEqual([bench.changes, bench.client.table.size, bench.client.serial], [1, 1, 3]);
  return bench;
};

test('all is asked for, and is used once all of it is there', () => {
  const bench = new Bench();
  assert.deepEqual(bench.connect(), ['connect', RESET]);
  assert.deepEqual(bench.take(response(1), roa(1, '192.0.2.0/24-26 64500'), roa(1, '2001:db8::/32 64501')), []);
  assert.equal(bench.state('192.0.2.0/24 64500'), 0, 'not yet');
  const bytes = end(1, 3);
  bench.take(bytes.subarray(0, 5));
  bench.take(bytes.subarray(5));
  assert.equal(bench.changes, 1);
  assert.deepEqual(
    ['192.0.2.0/24 64500', '192.0.2.64/26 64500', '192.0.2.0/27 64500', '192.0.2.0/24 64501', '192.0.2.0/23 64500'].map(
      (route) => bench.state(route),
    ),
    [1, 1, 2, 2, 0],
  );
  assert.equal(bench.state('2001:db8::/32 64501'), 1);
  assert.deepEqual(bench.failures, []);
});

test('then what has changed, when the interval is over or the cache says so', () => {
  const bench = current();
  assert.deepEqual(bench.wait(59), []);
  assert.deepEqual(bench.wait(1), [query(3)]);
  bench.take(response(1), roa(1, '-192.0.2.0/24 64500'), roa(1, '192.0.2.0/24 64501'), end(1, 4));
  assert.deepEqual([bench.state('192.0.2.0/24 64500'), bench.state('192.0.2.0/24 64501')], [2, 1]);
  assert.deepEqual(bench.take(notify(1, 4)), [], 'which we have');
  assert.deepEqual(bench.take(notify(1, 5)), [query(4)]);
  assert.deepEqual(bench.take(notify(1, 6)), [], 'asked for already');
  bench.take(response(1), end(1, 6));
  assert.equal(bench.changes, 2, 'nothing was changed by the last one');
});

test('a cache that cannot say what has changed says all', () => {
  const bench = current();
  bench.wait(60);
  assert.deepEqual(bench.take(cacheReset(1)), [RESET]);
  assert.equal(bench.state('192.0.2.0/24 64500'), 1, 'used until then');
  bench.take(response(1, 8), roa(1, '192.0.3.0/24 64500'), end(1, 1, { session: 8 }));
  assert.deepEqual([bench.state('192.0.2.0/24 64500'), bench.state('192.0.3.0/24 64500')], [0, 1]);
});

test('a lost connection is tried again after the interval, and what was known is used until it expires', () => {
  const bench = current();
  assert.deepEqual(bench.close(), []);
  assert.deepEqual(bench.wait(4), []);
  assert.deepEqual(bench.wait(1), ['connect']);
  assert.deepEqual(bench.close(), []);
  assert.deepEqual(bench.wait(5), ['connect']);
  bench.client.handle({ type: 'connected' }, bench.now);
  assert.deepEqual(bench.done(), [query(3)], 'where it left off');
  bench.close();
  assert.equal(bench.wait(589).length, 1);
  assert.equal(bench.state('192.0.2.0/24 64500'), 1);
  bench.wait(1);
  assert.equal(bench.state('192.0.2.0/24 64500'), 0);
  assert.deepEqual([bench.client.hasData, bench.changes], [false, 2]);
});

test('a cache of version 0: it answers so, says so, or closes', () => {
  const answers = new Bench();
  answers.connect();
  answers.take(response(0), roa(0, '192.0.2.0/24 64500'), end(0, 3));
  assert.equal(answers.state('192.0.2.0/24 64500'), 1);
  assert.deepEqual(answers.wait(3600), ['000100070000000c00000003'], 'the default interval');
  for (const refuse of [(bench: Bench) => bench.take(report(0, 4)), (bench: Bench) => bench.close()]) {
    const bench = new Bench();
    bench.connect();
    assert.ok(refuse(bench).includes('connect'), 'at once');
    bench.client.handle({ type: 'connected' }, bench.now);
    assert.deepEqual(bench.done(), [RESET_0]);
    bench.close();
    assert.equal(bench.client.version, 1, 'it may have been another reason');
  }
  const late = current();
  late.wait(60);
  assert.deepEqual(late.take(response(0)).at(-1), 'close');
  assert.match(late.failures.join(), /a PDU of version 0/);
});

test('notifications before the first answer are not heeded, whatever their version', () => {
  const bench = new Bench();
  bench.connect();
  assert.deepEqual(bench.take(notify(0, 9), notify(1, 9), notify(77, 9)), []);
  bench.take(response(1), end(1, 3));
  assert.equal(bench.client.version, 1);
  assert.equal(bench.client.state, 'current');
});

test('a cache without data, or with an error of its own, is asked again later', () => {
  const bench = new Bench();
  bench.connect();
  assert.deepEqual(bench.take(report(1, 2, 'wait\n')), ['close']);
  assert.deepEqual(bench.failures, ['the cache reports error 2: wait?']);
  assert.deepEqual(bench.wait(599), []);
  assert.deepEqual(bench.wait(1), ['connect']);
});

/** The code that the cache is sent, after so many bytes of ours. */
const codeOf = (done: readonly string[]): number => {
  assert.equal(done.at(-1), 'close');
  const pdu = done.at(-2)!;
  assert.equal(pdu.slice(2, 4), '0a');
  return Number.parseInt(pdu.slice(4, 8), 16);
};

test('errors of a cache end the connection with the code of RFC 8210 §12; what was known stays, and is asked for anew', () => {
  const asked = (...pdus: Uint8Array[]) => {
    const bench = current();
    bench.wait(60);
    const code = codeOf(bench.take(...pdus));
    assert.equal(bench.changes, 1);
    assert.equal(bench.state('192.0.2.0/24 64500'), 1);
    assert.equal(bench.state('192.0.9.0/24 64500'), 0, 'and nothing of it is used');
    bench.wait(5);
    bench.client.handle({ type: 'connected' }, bench.now);
    assert.deepEqual(bench.done(), [RESET]);
    return code;
  };
  const more = roa(1, '192.0.9.0/24 64500');
  assert.equal(asked(response(1), more, roa(1, '192.0.2.0/24 64500'), end(1, 4)), 7);
  assert.equal(asked(response(1), more, roa(1, '-192.0.2.0/24 64501'), end(1, 4)), 6);
  assert.equal(asked(response(1), roa(1, '192.0.2.0/24-23 64500')), 0);
  assert.equal(asked(response(1), roa(1, '192.0.2.0/24-33 64500')), 0);
  assert.equal(asked(roa(1, '192.0.2.0/24 64500')), 0, 'out of turn');
  assert.equal(asked(end(1, 4)), 0);
  assert.equal(asked(response(1), response(1)), 0);
  assert.equal(asked(Uint8Array.of(1, 5, 0, 0, 0, 0, 0, 8)), 5);
  assert.equal(asked(Uint8Array.of(1, 1, 0, 7, 0, 0, 0, 12, 0, 0, 0, 0)), 3);
  assert.equal(asked(Uint8Array.of(1, 8, 0, 0, 0, 0, 0, 7)), 0);
  assert.equal(asked(Uint8Array.of(1, 8, 0, 0, 0, 0, 0, 9, 0)), 0);
  assert.equal(asked(Uint8Array.of(1, 9, 1, 0, 0, 0, 0, 32, ...new Uint8Array(24))), 0);
  assert.equal(asked(Uint8Array.of(1, 8, 0, 0, 0xff, 0xff, 0xff, 0xff)), 0);
  assert.equal(asked(response(2)), 8);
  assert.equal(asked(response(1), end(0, 4)), 8);
  const second = new Bench();
  second.connect();
  assert.equal(codeOf(second.take(response(2))), 4, 'no version that we know');
  const first = new Bench();
  first.connect();
  assert.equal(
    codeOf(first.take(response(1), roa(1, '-192.0.2.0/24 64500'))),
    6,
    'of all there is, nothing is withdrawn',
  );
});

test('another session of the cache: what was known is worth nothing', () => {
  for (const pdus of [[response(1, 8)], [response(1), end(1, 4, { session: 8 })]]) {
    const bench = current();
    bench.wait(60);
    assert.equal(codeOf(bench.take(...pdus)), 0);
    assert.deepEqual([bench.state('192.0.2.0/24 64500'), bench.changes, bench.client.hasData], [0, 2, false]);
  }
  const told = current();
  assert.equal(codeOf(told.take(notify(1, 4, 8))), 0);
});

test('an Error Report is not answered with one', () => {
  const bench = current();
  const bad = report(1, 1);
  bad[11] = 200;
  assert.deepEqual(bench.take(bad), ['close']);
  assert.match(bench.failures.join(), /lengths do not fit/);
  assert.deepEqual(current().take(Uint8Array.of(1, 10, 0, 0, 0, 1, 0, 0)), ['close'], 'nor one that is too long');
});

test('a cache that says nothing for a minute is given up; one that is slow is not', () => {
  const bench = new Bench();
  bench.connect();
  assert.deepEqual(bench.wait(59), []);
  bench.take(response(1));
  assert.deepEqual(bench.wait(59), []);
  assert.deepEqual(bench.wait(1), ['close']);
  assert.equal(bench.client.state, 'waiting');
  assert.equal(bench.client.deadline(), bench.now + 600e6);
});

test('intervals are within what RFC 8210 §6 allows', () => {
  const bench = new Bench();
  bench.connect();
  bench.take(response(1), end(1, 3, { refresh: 0, retry: 0, expire: 1 }));
  assert.equal(bench.client.deadline(), 1e6);
  bench.close();
  assert.equal(bench.client.deadline(), 1e6);
  bench.now = 0;
  bench.wait(1);
  bench.client.handle({ type: 'connected' }, bench.now);
  bench.done();
  bench.take(response(1), end(1, 4, { refresh: 0xffff_ffff, expire: 0xffff_ffff }));
  assert.equal(bench.client.deadline(), bench.now + 86_400e6);
});

test('whatever way the bytes are cut', () => {
  const bytes = join(response(1), roa(1, '192.0.2.0/24 64500'), roa(1, '2001:db8::/32-48 1'), end(1, 9));
  for (let size = 1; size <= bytes.length; size++) {
    const bench = new Bench();
    bench.connect();
    for (let at = 0; at < bytes.length; at += size) bench.take(bytes.subarray(at, at + size));
    assert.deepEqual([bench.client.serial, bench.client.table.size], [9, 2]);
  }
});

test('router keys are passed over', () => {
  const bench = new Bench();
  bench.connect();
  const key = Uint8Array.of(1, 9, 1, 0, 0, 0, 0, 40, ...new Uint8Array(32));
  bench.take(response(1), key, roa(1, '192.0.2.0/24 64500'), end(1, 9));
  assert.equal(bench.client.table.size, 1);
});

test('a cache of version 0 says no intervals: those of our own are used, and it is in step while it is there', () => {
  const bench = new Bench({ refreshS: 40, retryS: 2, expireS: 600 });
  bench.connect();
  assert.equal(bench.client.isSynced, false);
  bench.take(response(0), roa(0, '192.0.2.0/24 64500'), end(0, 3));
  assert.deepEqual([bench.client.isSynced, bench.client.expiresAt], [true, 600e6]);
  assert.deepEqual(bench.wait(39), []);
  assert.equal(bench.wait(1).length, 1);
  bench.close();
  assert.deepEqual([bench.client.isSynced, bench.client.hasData], [false, true]);
  assert.deepEqual(bench.wait(1), []);
  assert.deepEqual(bench.wait(1), ['connect']);
});
