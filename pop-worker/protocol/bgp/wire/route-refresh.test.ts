import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, HeaderSubcode, RouteRefreshSubcode } from '../errors.ts';
import { Family } from './families.ts';
import { parseRouteRefresh, RefreshSubtype, type RouteRefresh, writeRouteRefresh } from './route-refresh.ts';
import { hex, unhex } from './testing/hex.ts';
import { BODY, remoteFault, written } from './testing/record.ts';

const message = (length: string, body: string): Uint8Array => unhex(`${'ff'.repeat(16)} ${length} 05 ${body}`);
const read = (bytes: Uint8Array, isEnhanced = true): RouteRefresh | undefined =>
  parseRouteRefresh(bytes, BODY, bytes.length, isEnhanced);

test('requests and demarcations, as RFC 2918 §3 and RFC 7313 §3.2 have them', () => {
  const rows: [string, RouteRefresh][] = [
    ['0001 00 01', { family: Family.ipv4Unicast, subtype: RefreshSubtype.request }],
    ['0002 01 01', { family: Family.ipv6Unicast, subtype: RefreshSubtype.begin }],
    ['0001 02 85', { family: Family.ipv4Flow, subtype: RefreshSubtype.end }],
  ];
  for (const [body, expected] of rows) {
    const bytes = message('0017', body);
    assert.deepEqual(read(bytes), expected);
    assert.deepEqual(
      written((buffer, at) => writeRouteRefresh(buffer, at, expected)),
      bytes,
    );
  }
});

test('a subtype that we do not know is ignored, one of a peer without RFC 7313 is a reserved byte', () => {
  for (const body of ['0001 03 01', '0001 ff 01', '0001 03 01 00'])
    assert.equal(read(message('0017', body)), undefined);
  for (const body of ['0001 03 01', '0001 01 01']) {
    assert.deepEqual(read(message('0017', body), false), { family: Family.ipv4Unicast, subtype: 0 });
  }
});

test('one that is too long is an error: of RFC 7313 §5 for its subtypes, of the header for a request', () => {
  for (const subtype of ['01', '02']) {
    const bytes = message('0018', `0001 ${subtype} 01 00`);
    const error = remoteFault(() => read(bytes));
    assert.deepEqual([error.code, error.subcode], [ErrorCode.routeRefresh, RouteRefreshSubcode.invalidLength]);
    assert.deepEqual(error.data, bytes);
  }
  for (const isEnhanced of [true, false]) {
    const error = remoteFault(() => read(message('0018', '0001 00 01 00'), isEnhanced));
    assert.deepEqual([error.code, error.subcode], [ErrorCode.messageHeader, HeaderSubcode.badLength]);
    assert.equal(hex(error.data), '0018');
  }
});
