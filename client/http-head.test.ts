import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldOf, type HttpHead, MAX_HEAD_BYTES, parseHead } from './http-head.ts';
import { routeRequest } from './http-proxy.ts';

const head = (text: string): HttpHead => {
  const parsed = parseHead(Buffer.from(text, 'latin1'));
  assert.ok(typeof parsed === 'object', `${parsed}`);
  return parsed;
};

const GET =
  'GET http://example.test/a?b HTTP/1.1\r\nHost: other.test\r\nX-Thing:  one  \r\nProxy-Authorization: Basic eDp5\r\n\r\n';

test('a head is read whole, and no sooner', () => {
  const parsed = head(`${GET}body`);
  assert.deepEqual([parsed.method, parsed.target, parsed.minorVersion], ['GET', 'http://example.test/a?b', 1]);
  assert.deepEqual(parsed.fields[1], ['X-Thing', 'one']);
  for (const [value, read] of [
    ['', ''],
    [' \t ', ''],
    ['a', 'a'],
    ['\ta  b\t', 'a  b'],
    ['\u00a0', '\u00a0'],
  ] as const) {
    assert.deepEqual(head(`GET / HTTP/1.1\r\nA:${value}\r\n\r\n`).fields, [['A', read]]);
  }
  assert.equal(parsed.bytes, GET.length);
  for (let cut = 0; cut < GET.length; cut++) assert.equal(parseHead(Buffer.from(GET.slice(0, cut))), 'more');
});

test('a field is found whatever the case of its name, the first of several', () => {
  const head = parseHead(
    Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nPROXY-Authorization: x\r\nhost: b\r\n\r\n'),
  ) as HttpHead;
  assert.equal(fieldOf(head, 'host'), 'a');
  assert.equal(fieldOf(head, 'proxy-authorization'), 'x');
  assert.equal(fieldOf(head, 'accept'), undefined);
});

test('a head may have as many bytes and fields as it may, and not one more', () => {
  const sized = (bytes: number): string => {
    const start = 'GET / HTTP/1.1\r\nA: ';
    return `${start}${'x'.repeat(bytes - start.length - 4)}\r\n\r\n`;
  };
  assert.equal(head(sized(32_768)).bytes, 32_768);
  assert.equal(parseHead(Buffer.from(sized(32_769))), 431);
  assert.equal(parseHead(Buffer.from(sized(32_768).slice(0, -1))), 'more');
  assert.equal(head(`GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(100)}\r\n`).fields.length, 100);
  assert.equal(head('GET / HTTP/1.0\r\n\r\n').minorVersion, 0);
  for (const method of ["!#$%&'*+-.^_`|~", 'M-SEARCH', 'x'.repeat(32)])
    assert.equal(head(`${method} / HTTP/1.1\r\n\r\n`).method, method);
  assert.equal(parseHead(Buffer.from(`${'x'.repeat(33)} / HTTP/1.1\r\n\r\n`)), 400);
});

test('what HTTP/1.1 does not allow is refused: table', () => {
  const wrong: readonly (readonly [string, 400 | 431])[] = [
    ['GET  / HTTP/1.1\r\n\r\n', 400],
    ['GET / HTTP/2.0\r\n\r\n', 400],
    ['GET /\r\n\r\n', 400],
    ['\r\n\r\n', 400],
    ['G\u0000T / HTTP/1.1\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nA : b\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nA: b\nB: c\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nA: \u0007\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nnothing\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(101)}\r\n`, 431],
    [`GET / HTTP/1.1\r\nA: ${'x'.repeat(MAX_HEAD_BYTES)}`, 431],
  ];
  for (const [text, status] of wrong)
    assert.equal(parseHead(Buffer.from(text, 'latin1')), status, JSON.stringify(text.slice(0, 60)));
});

test('a request in absolute form goes on in origin form, without what is for this proxy', () => {
  const request = routeRequest(head(GET.replace('X-Thing', 'Connection: x-thing\r\nX-Thing')));
  assert.ok('target' in request);
  assert.deepEqual(request.target, { host: 'example.test', port: 80 });
  assert.equal(request.head, 'GET /a?b HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n');
  const several = routeRequest(head(GET.replace('X-Thing', 'Connection: te\r\nCONNECTION: a ,\tx-thing\r\nX-Thing')));
  assert.ok('target' in several);
  assert.equal(several.head, request.head, 'all that Connection names, in several fields too');
});

test('where requests lead: table', () => {
  const route = (line: string) => {
    const request = routeRequest(head(`${line} HTTP/1.1\r\n\r\n`));
    return 'target' in request ? `${request.target.host} ${request.target.port}` : request[0];
  };
  const table: readonly (readonly [string, string | number])[] = [
    ['CONNECT example.test:443', 'example.test 443'],
    ['CONNECT [2001:db8::1]:443', '2001:db8::1 443'],
    ['CONNECT example.test', 400],
    ['CONNECT 127.1:80', 400],
    ['GET http://[2001:db8::1]:8080/', '2001:db8::1 8080'],
    ['GET http://192.0.2.1', '192.0.2.1 80'],
    ['GET /', 400],
    ['OPTIONS *', 400],
    ['GET https://example.test/', 501],
    ['GET http://user:pw@example.test/', 400],
    ['GET http://', 400],
  ];
  for (const [line, expected] of table) assert.equal(route(line), expected, line);
});

test('any bytes: no exception, nothing taken that is not there', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(
      ...['GET ', '\r\n', '\r\n\r\n', ': ', 'http://a/', ' HTTP/1.1'].map((text) => Uint8Array.from(Buffer.from(text))),
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const buffer = Buffer.concat(pieces);
      const parsed = parseHead(buffer);
      if (typeof parsed !== 'object') return;
      assert.ok(parsed.bytes <= buffer.length);
      const request = routeRequest(parsed);
      if ('target' in request) assert.ok(!/[\r\n]/.test(request.target.host));
    }),
  );
});
