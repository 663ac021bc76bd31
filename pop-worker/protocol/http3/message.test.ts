import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentLength } from './field-rules.ts';
import { checkTrailers, parseRequest, parseResponse } from './message.ts';
import { lines } from './testing/raw.ts';

const PLAIN = [':method: GET', ':scheme: https', ':authority: a', ':path: /'];

test('a request comes apart into control data and fields', () => {
  assert.deepEqual(parseRequest(lines(...PLAIN, 'x: y'), false), {
    method: 'GET',
    scheme: 'https',
    authority: 'a',
    path: '/',
    protocol: undefined,
    fields: [{ name: 'x', value: 'y' }],
  });
  const extended = [':method: CONNECT', ':protocol: connect-ip', ':scheme: https', ':authority: a', ':path: /x'];
  const head = parseRequest(lines(...extended), true);
  assert.ok(typeof head === 'object');
  assert.deepEqual([head.protocol, head.path, head.fields], ['connect-ip', '/x', []]);
});

test('why a request is malformed is told', () => {
  for (const [reason, fields] of [
    ['undefined pseudo-header field', [':protocol: x', ...PLAIN]],
    [':path twice', [...PLAIN, ':path: /']],
    ['pseudo-header field behind a field', [...PLAIN.slice(0, 3), 'x: y', ':path: /']],
    ['invalid field name', [...PLAIN, 'X: y']],
    ['invalid :method', PLAIN.slice(1)],
    ['Host twice', [...PLAIN, 'host: a', 'host: a']],
    ['Host differs from :authority', [...PLAIN, 'host: b']],
    ['invalid authority', [...PLAIN.slice(0, 2), ':authority: u@a', ':path: /']],
    ['CONNECT without port', [':method: CONNECT', ':authority: a']],
    ['invalid :path', [...PLAIN.slice(0, 3), ':path: a']],
  ] as const) {
    assert.equal(parseRequest(lines(...fields), false), reason);
  }
});

test('a response has one status of three digits', () => {
  for (const status of [100, 200, 999]) {
    const response = parseResponse(lines(`:status: ${status}`, 'x: y'));
    assert.deepEqual(response, { status, fields: [{ name: 'x', value: 'y' }] });
  }
  for (const status of ['', '20', '099', '1000', 'abc', '+20', '200 ']) {
    assert.equal(parseResponse([{ name: ':status', value: status }]), 'invalid :status', status);
  }
  assert.equal(parseResponse(lines('x: y')), 'invalid :status');
  assert.equal(parseResponse(lines(':status: 101')), 'there is no 101 in HTTP/3');
  assert.equal(parseResponse(lines(':status: 200', ':path: /')), 'undefined pseudo-header field');
});

test('trailers have no control data', () => {
  assert.equal(checkTrailers(lines('x: y', 'z: 1')), undefined);
  assert.equal(checkTrailers(lines('x: y', ':status: 200')), 'pseudo-header field in trailers');
  assert.equal(checkTrailers(lines('te: trailers')), 'TE other than trailers');
});

test('a length is one number of up to fifteen digits', () => {
  const length = (...values: string[]) => contentLength(values.map((value) => ({ name: 'content-length', value })));
  assert.deepEqual([length(), length('0'), length('9'.repeat(15))], [-1, 0, 999_999_999_999_999]);
  for (const wrong of ['', '+1', '1 ', '0x1', '1.0', '9'.repeat(16)]) {
    assert.equal(length(wrong), 'invalid content-length', wrong);
  }
  assert.equal(length('1', '1'), 'invalid content-length');
});
