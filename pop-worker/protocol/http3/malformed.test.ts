import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, data, frame, GET, headers, lines, RawPeer } from './testing/raw.ts';

const MESSAGE_ERROR = 0x10e;

/** A request as a server takes it: 'ok' or the code of the stream error. The connection always survives. */
const serverTakes = (content: Uint8Array): number | 'ok' => {
  const peer = new RawPeer({ piece: 7 });
  const stream = peer.open(true, content, true);
  assert.equal(peer.outcome, 'open');
  const log = peer.recorder.log(stream);
  if (log.ended) return 'ok';
  const half = peer.pair.server.wire.streams.get(stream)?.halves[1];
  return log.aborted?.code ?? half?.resetCode ?? -1;
};

/** A server's stream, closed by now, tells its code by what the raw client saw. */
const resetSeen = (content: Uint8Array): number | 'ok' => {
  const peer = new RawPeer({ piece: 7 });
  let code: number | 'ok' = 'ok';
  peer.quic.sink = {
    ...peer.quic.sink,
    streamReset: (_connection, _stream, reset) => {
      code = reset;
    },
  };
  peer.open(true, content, true);
  assert.equal(peer.outcome, 'open');
  return code;
};

const req = (...more: string[]) => [...GET, ...more];

const GOOD_REQUESTS: readonly (readonly [string, string[]])[] = [
  ['plain', req()],
  ['host only', [':method: GET', ':scheme: https', ':path: /', 'host: a.example']],
  ['host and authority agree', req('host: a.example')],
  ['te: trailers', req('te: trailers')],
  ['empty value', req('x-empty:')],
  ['obs-text', req('x: caf\u00e9')],
  ['blank inside', req('x: a b\tc')],
  ['any order of pseudo-header fields', [':path: /', ':authority: a', ':method: GET', ':scheme: https']],
  ['OPTIONS *', [':method: OPTIONS', ':scheme: https', ':authority: a', ':path: *']],
  ['other scheme without authority', [':method: GET', ':scheme: coap', ':path: /']],
  ['other scheme with empty path', [':method: GET', ':scheme: coap', ':authority: a', ':path:']],
  ['own method', [':method: get!', ':scheme: https', ':authority: a', ':path: /']],
  ['cookie in pieces', req('cookie: a=1', 'cookie: b=2')],
  ['CONNECT', [':method: CONNECT', ':authority: a.example:443']],
  ['CONNECT to IPv6', [':method: CONNECT', ':authority: [2001:db8::1]:443']],
  ['Extended CONNECT', [':method: CONNECT', ':protocol: connect-udp', ':scheme: https', ':authority: a', ':path: /x']],
  ['priority is advice', req('priority: u=9, i=nonsense')],
];

const BAD_REQUESTS: readonly (readonly [string, string[]])[] = [
  ['no fields', []],
  ['no method', [':scheme: https', ':authority: a', ':path: /']],
  ['no scheme', [':method: GET', ':authority: a', ':path: /']],
  ['no path', [':method: GET', ':scheme: https', ':authority: a']],
  ['no authority', [':method: GET', ':scheme: https', ':path: /']],
  ['method twice', [':method: GET', ':method: GET', ':scheme: https', ':authority: a', ':path: /']],
  ['path twice', req().concat().toSpliced(4, 0, ':path: /')],
  ['empty method', [':method:', ':scheme: https', ':authority: a', ':path: /']],
  ['blank in method', [':method: G T', ':scheme: https', ':authority: a', ':path: /']],
  ['invalid scheme', [':method: GET', ':scheme: 1https', ':authority: a', ':path: /']],
  ['empty authority', [':method: GET', ':scheme: https', ':authority:', ':path: /']],
  ['userinfo', [':method: GET', ':scheme: https', ':authority: u@a', ':path: /']],
  ['path in authority', [':method: GET', ':scheme: https', ':authority: a/b', ':path: /']],
  ['empty path', [':method: GET', ':scheme: https', ':authority: a', ':path:']],
  ['relative path', [':method: GET', ':scheme: https', ':authority: a', ':path: x']],
  ['blank in path', [':method: GET', ':scheme: https', ':authority: a', ':path: /a b']],
  ['fragment in path', [':method: GET', ':scheme: https', ':authority: a', ':path: /a#b']],
  ['* without OPTIONS', [':method: GET', ':scheme: https', ':authority: a', ':path: *']],
  ['response pseudo-header field', [':status: 200', ...req()]],
  ['unknown pseudo-header field', [':colour: red', ...req()]],
  ['pseudo-header field behind a field', [...GET.slice(0, 3), 'x: y', ':path: /']],
  ['uppercase name', req('X-Upper: y')],
  ['blank in name', req('x y: z')],
  ['empty name', req(': z').map((line) => line)],
  ['NUL in value', req('x: a\0b')],
  ['CR in value', req('x: a\rb')],
  ['LF in value', req('x: a\nb')],
  ['DEL in value', req('x: a\x7fb')],
  ['value begins with a blank', req('x:  y')],
  ['value ends with a tab', req('x: y\t')],
  ['connection', req('connection: close')],
  ['keep-alive', req('keep-alive: 5')],
  ['proxy-connection', req('proxy-connection: close')],
  ['transfer-encoding', req('transfer-encoding: chunked')],
  ['upgrade', req('upgrade: h2c')],
  ['te other than trailers', req('te: gzip')],
  ['host differs', req('host: b.example')],
  ['host twice', [':method: GET', ':scheme: https', ':path: /', 'host: a', 'host: a']],
  ['content-length not a number', req('content-length: x')],
  ['negative content-length', req('content-length: -1')],
  ['content-length twice', req('content-length: 0', 'content-length: 0')],
  ['content-length too long', req(`content-length: ${'9'.repeat(16)}`)],
  ['content-length without content', req('content-length: 1')],
  ['CONNECT with scheme', [':method: CONNECT', ':scheme: https', ':authority: a:1']],
  ['CONNECT with path', [':method: CONNECT', ':path: /', ':authority: a:1']],
  ['CONNECT without authority', [':method: CONNECT']],
  ['CONNECT with host only', [':method: CONNECT', 'host: a:1']],
  ['CONNECT without port', [':method: CONNECT', ':authority: a']],
  [':protocol without CONNECT', req().toSpliced(0, 1, ':method: GET', ':protocol: connect-udp')],
  ['Extended CONNECT without path', [':method: CONNECT', ':protocol: x', ':scheme: https', ':authority: a']],
  ['Extended CONNECT without scheme', [':method: CONNECT', ':protocol: x', ':path: /', ':authority: a']],
  ['Extended CONNECT without authority', [':method: CONNECT', ':protocol: x', ':path: /', ':scheme: https', 'host: a']],
];

test('requests that are well-formed', () => {
  for (const [what, fields] of GOOD_REQUESTS) assert.equal(serverTakes(headers(...fields)), 'ok', what);
});

test('malformed requests are a stream error H3_MESSAGE_ERROR (RFC 9114 §4.1.2)', () => {
  for (const [what, fields] of BAD_REQUESTS) assert.equal(resetSeen(headers(...fields)), MESSAGE_ERROR, what);
});

test('content-length against what arrives', () => {
  const post = headers(...req('content-length: 4'));
  assert.equal(serverTakes(bytes(post, data('ab'), frame(0x21, 'grease'), data(''), data('cd'))), 'ok');
  assert.equal(serverTakes(bytes(post, data('abc'))), MESSAGE_ERROR);
  assert.equal(serverTakes(bytes(post, data('abcde'))), MESSAGE_ERROR);
  assert.equal(serverTakes(bytes(post, data('ab'), headers('x: y'))), MESSAGE_ERROR);
});

test('trailers', () => {
  const with_ = (...fields: string[]) => serverTakes(bytes(headers(...req()), data('x'), headers(...fields)));
  assert.equal(with_('x-sum: 1'), 'ok');
  assert.equal(with_(), 'ok');
  assert.equal(with_(':path: /'), MESSAGE_ERROR);
  assert.equal(with_('Upper: 1'), MESSAGE_ERROR);
  assert.equal(with_('connection: x'), MESSAGE_ERROR);
  assert.equal(with_('te: trailers'), MESSAGE_ERROR);
});

test('an incomplete request (RFC 9114 §4.1)', () => {
  assert.equal(resetSeen(bytes()), 0x10d);
  assert.equal(resetSeen(frame(0x21, 'grease')), 0x10d);
});

test('Extended CONNECT towards a server that does not offer it', () => {
  const peer = new RawPeer({ http3: { enableConnectProtocol: false } });
  const fields = [':method: CONNECT', ':protocol: x', ':scheme: https', ':authority: a', ':path: /'];
  const stream = peer.open(true, headers(...fields));
  assert.equal(peer.recorder.streams.has(stream), false);
  assert.equal(peer.recorder.peer, undefined);
});

const clientTakes = (content: Uint8Array, request: readonly string[] = GET): number | 'ok' => {
  const peer = new RawPeer({ server: false, piece: 5 });
  const stream = peer.http3.openRequest(lines(...request), true);
  peer.pair.run();
  peer.write(stream, content, true);
  assert.equal(peer.outcome, 'open');
  const log = peer.recorder.log(stream);
  return log.ended ? 'ok' : (log.aborted?.code ?? -1);
};

test('responses', () => {
  const ok: readonly Uint8Array[] = [
    headers(':status: 200'),
    bytes(headers(':status: 100'), headers(':status: 103', 'link: x'), headers(':status: 404'), data('no')),
    headers(':status: 204'),
    bytes(headers(':status: 200', 'content-length: 2'), data('ok'), headers('x: y')),
  ];
  for (const response of ok) assert.equal(clientTakes(response), 'ok');
  const bad: readonly (readonly [string, Uint8Array])[] = [
    ['nothing', bytes()],
    ['only interim', headers(':status: 100')],
    ['no status', headers('x: y')],
    ['101', headers(':status: 101')],
    ['two digits', headers(':status: 20')],
    ['not a number', headers(':status: abc')],
    ['status twice', headers(':status: 200', ':status: 200')],
    ['request pseudo-header field', headers(':status: 200', ':path: /')],
    ['status behind a field', headers('x: y', ':status: 200')],
    ['connection-specific', headers(':status: 200', 'transfer-encoding: chunked')],
    ['te', headers(':status: 200', 'te: trailers')],
    ['content-length', bytes(headers(':status: 200', 'content-length: 3'), data('ok'))],
    ['content with 204', bytes(headers(':status: 204'), data('ok'))],
  ];
  for (const [what, response] of bad) assert.equal(clientTakes(response), MESSAGE_ERROR, what);
});

test('a header section beyond the limit is answered 431 and the connection goes on (RFC 9114 §4.2.2)', () => {
  const peer = new RawPeer({ piece: 100 });
  let answer = '';
  peer.quic.sink = {
    ...peer.quic.sink,
    streamData: (connection, stream, buffer, start, end) => {
      if (end > start) connection.consume(stream, end - start);
      // Not of the decoder stream, which says that the rest of the request is not read.
      if ((stream & 2) === 0) answer += Buffer.from(buffer.subarray(start, end)).toString('latin1');
    },
  };
  peer.open(true, headers(...req(`x: ${'y'.repeat(20_000)}`)), true);
  assert.equal(answer, Buffer.from(headers(':status: 431')).toString('latin1'));
  assert.equal(peer.outcome, 'open');
  assert.equal(peer.http3.openRequests, 0);
  const many = req(...Array.from({ length: 130 }, (_, i) => `x${i}: y`));
  peer.open(true, headers(...many), true);
  assert.equal(answer.length, 2 * headers(':status: 431').length);
  assert.equal(clientTakes(headers(':status: 200', `x: ${'y'.repeat(20_000)}`)), 0x107);
});
