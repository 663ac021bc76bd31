import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_RECORDS } from './client.ts';
import { Bench, cacheReset, end, KEY, notify, report, response, roa } from './testing/cache.ts';
import { RouteValidity, VrpTable } from './vrp-table.ts';
import { readEndOfData } from './wire/end-of-data.ts';
import { readErrorReport, writeErrorReport } from './wire/error-report.ts';
import { MAX_PDU_BYTES, newPdu, PduType } from './wire/pdu.ts';
import { newPrefixRecord, readPrefix } from './wire/prefix.ts';

const RESET = '0102000000000008';
const RECORD = '192.0.2.0/24 64500';

const asked = (): Bench => {
  const bench = new Bench();
  bench.connect();
  return bench;
};
/** With one record of serial 3. */
const current = (): Bench => {
  const bench = asked();
  bench.take(response(1), roa(1, RECORD), end(1, 3));
  return bench;
};
/** The connection is there again, after what there was to wait for. @returns what the cache is asked */
const reconnected = (bench: Bench, seconds: number): string[] => {
  bench.wait(seconds);
  bench.client.handle({ type: 'connected' }, bench.now);
  return bench.done();
};

test('RFC 8210 §5.11: an Error Report has the PDU that was wrong, and says in words what was', () => {
  const text = Buffer.from('a PDU of type 5').toString('hex');
  assert.deepEqual(asked().take(Uint8Array.of(1, 5, 0, 0, 0, 0, 0, 8)), [
    // Header: version, type, code 5, 8 + 4 + 8 + 4 + 15 bytes; the PDU by its length; the text by its.
    `010a000500000027${'00000008'}0105000000000008${'0000000f'}${text}`,
    'close',
  ]);
});

test('RFC 8210 §5.11: of a PDU whose length is no length, and of a long one, the first bytes are sent back', () => {
  const [bad] = asked().take(Uint8Array.of(1, 3, 0, 7, 0xff, 0xff, 0xff, 0xff, 1, 2, 3));
  assert.equal(bad?.slice(16, 40), '00000008' + '01030007ffffffff');
  const long = newPdu(1, 77, 0, 500).fill(0xab, 8);
  const [cut] = asked().take(long);
  assert.equal(cut?.slice(16, 24), '00000080');
  assert.equal(cut?.slice(24, 24 + 256), Buffer.from(long.subarray(0, 128)).toString('hex'));
  assert.match(Buffer.from(cut?.slice(24 + 256 + 8) ?? '', 'hex').toString(), /^a PDU of type 77$/);
});

test('RFC 8210 §5.11: more records than are taken is an error of our own, which names no PDU', () => {
  const bench = asked();
  bench.take(response(1));
  const record = roa(1, RECORD);
  const many = new Uint8Array(1000 * record.length);
  for (let i = 0; i < 1000; i++) many.set(record, i * record.length);
  for (let i = 0; i < MAX_RECORDS / 1000; i++) assert.deepEqual(bench.take(many), []);
  const [told, closed] = bench.take(record);
  assert.equal(closed, 'close');
  assert.equal(told?.slice(0, 8), '010a0001', 'Internal Error');
  assert.equal(told?.slice(16, 24), '00000000', 'no PDU');
  assert.deepEqual(bench.failures, ['the cache has sent more than 2000000 records']);
  assert.equal(bench.client.hasData, false);
});

test('an Error Report is written and read again; of its text the first 512 characters are kept, plain ones only', () => {
  const written = writeErrorReport(1, 3, Uint8Array.of(1, 2, 3), 'what?');
  assert.deepEqual(readErrorReport(written, 0, written.length), { code: 3, text: 'what?' });
  const edges = writeErrorReport(0, 8, new Uint8Array(0), '\x1f\x20\x7e\x7f');
  assert.deepEqual(readErrorReport(edges, 0, edges.length), { code: 8, text: '? ~?' });
  const long = writeErrorReport(1, 1, new Uint8Array(0), 'x'.repeat(600));
  assert.equal(readErrorReport(long, 0, long.length).text, 'x'.repeat(512));
  const within = new Uint8Array(written.length + 10).fill(0xee);
  within.set(written, 5);
  assert.deepEqual(readErrorReport(within, 5, written.length), { code: 3, text: 'what?' });
});

test('bits behind a prefix are zero, whatever the cache says, at the edge of each word too', () => {
  const record = newPrefixRecord();
  for (const [bits, lengths] of [
    [32, [0, 1, 24, 31, 32]],
    [128, [0, 1, 31, 32, 33, 63, 64, 65, 96, 127, 128]],
  ] as const) {
    for (const length of lengths) {
      record.address.fill(0xdeadbeef);
      const pdu = new Uint8Array(3 + 16 + bits / 8).fill(0xff);
      pdu.set([1, length, bits, 0], 3 + 8);
      readPrefix(pdu, 3, bits, record);
      const address = record.address.reduce((all, word) => all + word.toString(2).padStart(32, '0'), '');
      assert.equal(address, '1'.repeat(length).padEnd(128, '0'), `/${length} of ${bits}`);
      assert.deepEqual([record.bits, record.length, record.maxLength, record.as], [bits, length, bits, 0xffff_ffff]);
    }
  }
});

test('RFC 8210 §6: intervals are taken as they are within what is allowed, to the second', () => {
  const read = (refresh: number, retry: number, expire: number) => {
    const { intervals } = readEndOfData(end(1, 3, { refresh, retry, expire }), 0);
    return intervals && [intervals.refreshS, intervals.retryS, intervals.expireS];
  };
  assert.deepEqual(read(0, 0, 0), [1, 1, 600]);
  assert.deepEqual(read(1, 1, 600), [1, 1, 600]);
  assert.deepEqual(read(2, 2, 601), [2, 2, 601]);
  assert.deepEqual(read(86_400, 7200, 172_800), [86_400, 7200, 172_800]);
  assert.deepEqual(read(86_401, 7201, 172_801), [86_400, 7200, 172_800]);
});

test('a Router Key has a key, and no PDU is longer than 8 KiB', () => {
  for (const [bytes, state] of [
    [32, 'waiting'],
    [33, 'answered'],
    [MAX_PDU_BYTES, 'answered'],
    [MAX_PDU_BYTES + 1, 'waiting'],
  ] as const) {
    const bench = asked();
    bench.take(response(1), newPdu(1, PduType.routerKey, 0x0100, bytes));
    assert.equal(bench.client.state, state, `${bytes}`);
  }
});

test('what is left of a connection that ended is not the beginning of what comes on the next', () => {
  const bench = current();
  bench.take(roa(1, RECORD).subarray(0, 11));
  bench.close();
  assert.equal(reconnected(bench, 5).length, 1);
  assert.deepEqual(bench.take(response(1), roa(1, '192.0.3.0/24 1'), end(1, 4)), []);
  assert.deepEqual([bench.client.state, bench.client.table.size], ['current', 2]);
});

test('an answer that was cut off leaves nothing in the next one', () => {
  const bench = current();
  bench.take(notify(1, 4));
  bench.take(response(1), roa(1, '192.0.3.0/24 1'));
  bench.close();
  reconnected(bench, 5);
  bench.take(response(1), end(1, 4));
  assert.equal(bench.client.table.size, 1);
  const reset = asked();
  reset.take(response(1), roa(1, '192.0.3.0/24 1'));
  reset.close();
  reconnected(reset, 600);
  reset.take(response(1), roa(1, RECORD), end(1, 4));
  assert.equal(reset.client.table.size, 1);
});

test('what comes on no connection is not heeded: bytes, an end, a beginning', () => {
  const bench = current();
  bench.client.handle({ type: 'connected' }, bench.now);
  assert.deepEqual(bench.done(), [], 'it is there already');
  bench.close();
  assert.deepEqual(bench.take(report(1, 1)), []);
  assert.deepEqual(bench.close(), []);
  assert.deepEqual(bench.failures, ['the cache has closed the connection']);
  assert.deepEqual(bench.wait(5), ['connect']);
  assert.deepEqual(bench.take(notify(1, 9)), [], 'before TCP is there');
  bench.close();
  assert.equal(bench.failures.at(-1), 'no connection with the cache');
});

test('a connection that does not come about in a minute is tried anew', () => {
  const bench = new Bench();
  assert.deepEqual(bench.done(), ['connect']);
  assert.equal(bench.client.deadline(), 60e6);
  assert.deepEqual(bench.wait(59.999999), []);
  assert.deepEqual(bench.wait(0.000001), ['close']);
  assert.deepEqual(bench.failures, ['the cache does not answer']);
  assert.equal(bench.client.deadline(), 660e6);
  assert.deepEqual(bench.wait(600), ['connect']);
});

test('what is too old is not used, is told once, and is asked for anew', () => {
  const bench = current();
  bench.close();
  for (let i = 0; i < 119; i++) {
    bench.wait(5);
    bench.close();
  }
  assert.equal(bench.client.hasData, true);
  bench.failures.length = 0;
  bench.wait(5);
  assert.deepEqual([bench.client.hasData, bench.client.isSynced, bench.state(RECORD)], [false, false, 0]);
  assert.deepEqual([bench.changes, bench.client.expiresAt], [2, Number.POSITIVE_INFINITY]);
  bench.close();
  assert.deepEqual(reconnected(bench, 5), [RESET]);
  const all = bench.failures.filter((text) => text === 'what the cache has said is too old');
  assert.equal(all.length, 1);
});

test('data that expires while its cache goes on without an answer is out of step', () => {
  const bench = asked();
  bench.take(response(1), roa(1, RECORD), end(1, 3, { refresh: 86_400, expire: 600 }));
  assert.equal(bench.client.isSynced, true);
  assert.deepEqual(bench.wait(599), []);
  bench.wait(1);
  assert.deepEqual([bench.client.isSynced, bench.client.hasData, bench.changes], [false, false, 2]);
});

test('RFC 8210 §8.4: a cache without data is asked for what has changed, after another error for all', () => {
  for (const [code, query] of [
    [2, '010100070000000c00000003'],
    [1, RESET],
  ] as const) {
    const bench = current();
    assert.deepEqual(bench.take(report(1, code)), ['close']);
    assert.deepEqual(reconnected(bench, 5), [query]);
    assert.equal(bench.state(RECORD), 1);
  }
});

test('RFC 8210 §7: to a cache that has answered in version 1, no Error Report makes it version 0', () => {
  const bench = current();
  assert.deepEqual(bench.take(report(1, 4)), ['close']);
  assert.equal(bench.client.version, 1);
  const first = asked();
  assert.deepEqual(first.take(report(1, 4)), ['close', 'connect'], 'one that has not is asked in version 0 at once');
  assert.equal(first.client.version, 0);
  assert.deepEqual(first.close(), []);
  assert.deepEqual(first.wait(599), []);
  assert.deepEqual(first.wait(1), ['connect']);
  first.client.handle({ type: 'connected' }, first.now);
  first.done();
  assert.deepEqual(first.take(report(0, 4)), ['close'], 'and of that, later');
});

test('a cache that became one of version 0 is asked for all of what it has', () => {
  const bench = current();
  bench.close();
  assert.deepEqual(reconnected(bench, 5), ['010100070000000c00000003']);
  assert.equal(bench.take(response(0)).at(-1), 'close');
  assert.deepEqual(bench.failures.slice(-1), ['the cache has sent an answer of version 0']);
  assert.deepEqual(reconnected(bench, 5), ['0002000000000008']);
  bench.take(response(0, 9), roa(0, '192.0.3.0/24 1'), end(0, 1, { session: 9 }));
  assert.deepEqual([bench.client.table.size, bench.state(RECORD)], [1, 0]);
});

test('after a Cache Reset nothing of before counts, not even a session', () => {
  const bench = current();
  bench.take(notify(1, 4));
  assert.deepEqual(bench.take(cacheReset(1), cacheReset(1)), [RESET, RESET]);
  bench.close();
  assert.deepEqual(reconnected(bench, 5), [RESET]);
});

test('records of one prefix go in any order, and those that stay count', () => {
  const address = Uint32Array.of(0xc000_0200, 0, 0, 0);
  const one = (as: number) => ({ isAnnounced: true, bits: 32 as const, address, length: 24, maxLength: 24, as });
  for (const order of [
    [1, 2, 3, 4],
    [4, 3, 2, 1],
    [2, 3, 1, 4],
    [3, 2, 4, 1],
  ]) {
    const table = new VrpTable(KEY);
    for (const as of [1, 2, 3, 4]) table.add(one(as));
    for (const [i, gone] of order.entries()) {
      assert.equal(table.remove(one(gone)), true);
      for (const as of [1, 2, 3, 4]) {
        const isHere = order.indexOf(as) > i;
        const otherwise = i === 3 ? RouteValidity.notFound : RouteValidity.invalid;
        assert.equal(table.state(32, address, 24, as), isHere ? RouteValidity.valid : otherwise, `${order} ${i} ${as}`);
      }
    }
  }
});
