import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { closeFailure } from './close-reason.ts';
import { ConnectFailure } from './failure.ts';
import { formatHostPort, parseListen } from './listen.ts';
import { readCredentials } from './local-credentials.ts';
import { parseForward } from './port-forward.ts';
import { interleave } from './race.ts';
import { refusalOf } from './refusal.ts';
import { parseServer } from './server-address.ts';
import { statisticsLine } from './statistics.ts';
import { jwt } from './testing/virtual-world.ts';
import { fileToken, staticToken, timesOf } from './token-source.ts';
import { parsePin } from './trust.ts';

test('servers: table', () => {
  const table: readonly (readonly [string, string | RegExp])[] = [
    ['https://edge.test', 'edge.test 443 edge.test'],
    ['edge.test:8443', 'edge.test 8443 edge.test:8443'],
    ['https://192.0.2.1/', '192.0.2.1 443 192.0.2.1'],
    ['https://[2001:DB8::1]:444', '2001:db8::1 444 [2001:db8::1]:444'],
    ['http://edge.test', /https, not http/],
    ['https://edge.test/path', /more than host and port/],
    ['https://me@edge.test', /more than host and port/],
    ['https://edge.test:99999', /is not a URL/],
    ['', /is not a URL/],
  ];
  for (const [text, expected] of table) {
    const server = parseServer(text);
    if (expected instanceof RegExp) assert.match(String(server), expected);
    else
      assert.equal(typeof server === 'string' ? server : `${server.host} ${server.port} ${server.authority}`, expected);
  }
});

test('places to listen at and forwards: table', () => {
  const listens: readonly (readonly [string, string | undefined])[] = [
    ['1080', '127.0.0.1:1080'],
    ['0', '127.0.0.1:0'],
    ['localhost:80', '127.0.0.1:80'],
    ['0.0.0.0:1080', '0.0.0.0:1080'],
    ['[::1]:1080', '[::1]:1080'],
    ['::1:1080', undefined],
    ['[1.2.3.4]:5', '1.2.3.4:5'],
    ['host:1080', undefined],
    ['65536', undefined],
    ['', undefined],
  ];
  for (const [text, expected] of listens) {
    const at = parseListen(text);
    assert.equal(at === undefined ? undefined : formatHostPort(at), expected, text);
  }
  assert.deepEqual(parseForward('5432=db.internal:5432'), {
    at: { host: '127.0.0.1', port: 5432 },
    target: { host: 'db.internal', port: 5432 },
  });
  for (const text of ['5432', '=db:1', '5432=', '5432=db', 'x=db:1', '1=db:0'])
    assert.equal(parseForward(text), undefined, text);
});

test('addresses of both families take turns, the preferred family first', () => {
  assert.deepEqual(interleave(['2001:db8::1', '2001:db8::2', '192.0.2.1']), [
    '2001:db8::1',
    '192.0.2.1',
    '2001:db8::2',
  ]);
  assert.deepEqual(interleave([]), []);
});

test('tokens: what they say of their times, files read again, what is no token', async (t) => {
  assert.deepEqual(timesOf(jwt(10, 20)), { issuedAtMs: 10_000, expiresAtMs: 20_000 });
  for (const text of ['opaque', 'a.b.c', 'a..c', '.bnVsbA.']) assert.equal(timesOf(text).expiresAtMs, undefined, text);
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-token-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'token');
  const source = fileToken(file);
  await assert.rejects(
    source.token(),
    /^ConnectFailure: the token file \S+ cannot be read, it is not there \(ENOENT\): .* with --token-file$/,
  );
  writeFileSync(file, 'one\n', { mode: 0o600 });
  assert.equal(await source.token(), 'one');
  await assert.rejects(source.token('one'), /no newer token/);
  writeFileSync(file, 'two\n');
  assert.equal(await source.token('one'), 'two');
  for (const mode of [0o640, 0o604, 0o620, 0o644]) {
    chmodSync(file, mode);
    await assert.rejects(source.token('one'), {
      severity: 'fatal-at-first',
      message: `the token file ${file} may be read or changed by others (mode ${mode.toString(8)}): chmod 600 ${file}`,
    });
  }
  chmodSync(file, 0o400);
  assert.equal(await source.token('one'), 'two');
  chmodSync(file, 0o600);
  writeFileSync(file, 'two words');
  await assert.rejects(
    source.token(),
    (error: Error) => error instanceof ConnectFailure && !error.message.includes('two words'),
  );
  assert.throws(() => staticToken(' ', 'the variable X'), /the variable X holds no token/);
  assert.equal(await staticToken('abc', 'x').token(), 'abc');
});

test('pins in the forms people have them', () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => i * 7);
  const hex = Buffer.from(bytes).toString('hex');
  const base64 = Buffer.from(bytes).toString('base64');
  const colons = hex.match(/../g)?.join(':') ?? '';
  for (const text of [
    hex,
    hex.toUpperCase(),
    colons,
    base64,
    `sha256/${base64}`,
    `sha256//${base64}`,
    `SHA256:${hex}`,
  ]) {
    assert.deepEqual(parsePin(text), bytes, text);
  }
  for (const text of ['', hex.slice(2), `${base64}=`, 'sha1/abc']) assert.equal(parsePin(text), undefined, text);
});

test('credentials are one line, USER:PASSWORD', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-auth-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'auth');
  writeFileSync(file, 'me:pass:word\n', { mode: 0o640 });
  assert.throws(() => readCredentials(file), /auth may be read or changed by others \(mode 640\): chmod 600 /);
  chmodSync(file, 0o600);
  assert.deepEqual(readCredentials(file), { user: 'me', password: 'pass:word' });
  for (const text of ['', 'me', ':x', 'me:', 'a:b\nc:d', `a:${'x'.repeat(256)}`]) {
    writeFileSync(file, text);
    assert.throws(() => readCredentials(file), /USER:PASSWORD/, text.slice(0, 20));
  }
  assert.throws(() => readCredentials(path.join(folder, 'none')), /cannot be read, it is not there \(ENOENT\)/);
});

const target = {
  server: { host: 'edge.test', port: 443, authority: 'edge.test' },
  address: '192.0.2.1',
  carrier: 'quic' as const,
  ticket: undefined,
  cautious: false,
};

test('why a connection is over, for people: table', () => {
  const text = (info: Partial<Parameters<typeof closeFailure>[0]>, wasReady = false): string => {
    const whole = { by: 'remote', application: false, code: 0, reason: '', ...info } as const;
    const { message, severity } = closeFailure(whole, target, '192.0.2.1:443', wasReady);
    return `${severity}: ${message}`;
  };
  assert.match(text({ by: 'idle' }, true), /^temporary: .*does not answer any more/);
  assert.match(text({ by: 'reset' }, true), /^temporary: .*has lost the connection/);
  assert.match(text({ by: 'version' }), /^fatal-at-first: .*no QUIC version 1/);
  assert.match(text({ by: 'local', code: 0x100 + 45 }), /^fatal-at-first: .*for edge\.test is refused: it has expired/);
  for (const [code, reason, mend] of [
    [45, 'certificate: certificate has expired', /has expired, and it is \d.*Z by this machine's clock: .* renewed$/],
    [
      42,
      'certificate: certificate is not yet valid',
      /is not yet valid, and it is \d.*Z by this machine's clock: .* wait$/,
    ],
  ] as const)
    assert.match(text({ by: 'local', code: 0x100 + code, reason }), mend);
  assert.match(text({ code: 0x100 + 120 }), /^fatal-at-first: edge\.test speaks no HTTP\/3/);
  assert.match(text({ code: 0x100 + 40, reason: 'x' }), /^temporary: the TLS handshake with .* failed: alert 40 x/);
  assert.equal(
    text({ application: true, code: 0x10b, reason: 'the device is revoked' }, true),
    'fatal: the edge refuses this device: the device is revoked',
  );
  assert.match(text({ by: 'local', application: true, code: 0x10b }, true), /^temporary: we closed/);
  assert.match(
    text({ application: true, code: 0x100, reason: 'bye' }),
    /closed by 192\.0\.2\.1:443 \(no error: bye\)$/,
  );
  assert.equal(text({ code: 2 }), 'temporary: 192.0.2.1:443 takes no new connections at the moment');
  assert.match(text({ code: 2, reason: 'full' }), / at the moment: full$/);
  assert.match(text({ by: 'local', code: 3 }), /^temporary: we closed .* \(flow control error\)$/);
  assert.match(text({ application: true, code: 0x33 }), / \(datagram error\)$/);
  assert.match(text({ application: true, code: 77, reason: 'x' }), / \(an error that is not known here, 77: x\)$/);
});

test('refusals: status, details without control characters, Retry-After', () => {
  const fields = [
    { name: 'proxy-status', value: 'edge; error=http_request_denied; details="a \\"b\\" \u001b[31mc"' },
    { name: 'retry-after', value: '7' },
  ];
  assert.deepEqual(refusalOf({ status: 403, fields }), {
    status: 403,
    detail: 'a "b" [31mc',
    error: 'http_request_denied',
    retryAfterMs: 7000,
  });
  assert.deepEqual(
    refusalOf({ status: 500, fields: [{ name: 'retry-after', value: 'Fri, 31 Dec 1999 23:59:59 GMT' }] }),
    {
      status: 500,
      detail: '',
      error: undefined,
      retryAfterMs: undefined,
    },
  );
});

test('figures are one line', () => {
  const all = {
    ...{ bytesUp: 999, bytesDown: 12_345_678, packetsUp: 3, packetsDown: 9000, dropped: 0, reconnects: 1 },
    congestionControl: 'cubic',
  };
  assert.equal(
    statisticsLine({ ...all, rttMs: 1.25, lossRatio: 0.0125, mtu: 1400 }),
    'sent 999 B in 3 packets, received 12.3 MB in 9000, rtt 1.25 ms, loss 1.25 %, mtu 1400, reconnects 1',
  );
  assert.equal(
    statisticsLine({ ...all, dropped: 2, rttMs: null, lossRatio: null, mtu: null }),
    'sent 999 B in 3 packets, received 12.3 MB in 9000, dropped 2, reconnects 1',
  );
});
