import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { XdpFile } from '#settings/xdp-file.ts';
import { checksOfFile } from './of-file.ts';

const plain = { address: '203.0.113.10', protocol: 'tcp', port: 443, backend: [{ address: '192.0.2.1' }] };
const fileOf = (check: object, service: object = {}): unknown => ({ service: [{ ...plain, ...service, check }] });
const COMMON = { port: 443, intervalMs: 5000, timeoutMs: 2000, rise: 2, fall: 3 };

test('a check of a file is what is wanted of each backend, at the port of the service or its own', () => {
  const backends = [{ address: '192.0.2.1' }, { address: '2001:db8::2', drain: true }];
  const file = XdpFile.parse({
    service: [
      { ...plain, backend: backends, check: { kind: 'tcp' } },
      { ...plain, address: '203.0.113.11' },
      { ...plain, address: '203.0.113.0/24', port: 'any', protocol: 'udp', check: { kind: 'quic', port: 4433 } },
    ],
  });
  assert.deepEqual(checksOfFile(file, '/'), [
    ...backends.map(({ address, drain = false }) => ({
      ...{ service: 'tcp 203.0.113.10:443', backend: address, isDraining: drain, check: { ...COMMON, kind: 'tcp' } },
    })),
    {
      ...{ service: 'udp 203.0.113.0/24:any', backend: '192.0.2.1', isDraining: false },
      check: { ...COMMON, kind: 'quic', port: 4433 },
    },
  ]);
});

const only = (check: object, folder = '/') => checksOfFile(XdpFile.parse(fileOf(check)), folder)[0]?.check;

test('each kind has its own settings', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cbx-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const { pem } = createAuthority();
  writeFileSync(path.join(folder, 'ca.pem'), pem);
  const trusting = { isVerified: true, authority: undefined };
  const http = { path: '/', host: undefined, statuses: [] };
  assert.deepEqual(only({ kind: 'http' }), { ...COMMON, ...http, kind: 'http', tls: trusting });
  assert.deepEqual(
    only({ kind: 'https', path: '/live?x', host: 'shop.test', status: [204], ca_file: 'ca.pem' }, folder),
    {
      ...{ ...COMMON, kind: 'https', path: '/live?x', host: 'shop.test', statuses: [204] },
      tls: { isVerified: true, authority: pem },
    },
  );
  assert.deepEqual(only({ kind: 'grpc', rise: 1, fall: 1 }), {
    ...{ ...COMMON, kind: 'grpc', rise: 1, fall: 1, host: undefined, service: '', tls: undefined },
  });
  assert.deepEqual(
    only({
      kind: 'grpc',
      tls: true,
      verify: false,
      grpc_service: 'shop.v1.Cart',
      interval_seconds: 1.5,
      timeout_seconds: 1,
    }),
    {
      ...{ ...COMMON, kind: 'grpc', intervalMs: 1500, timeoutMs: 1000, host: undefined, service: 'shop.v1.Cart' },
      tls: { ...trusting, isVerified: false },
    },
  );
  assert.equal(only({ kind: 'tcp', interval_seconds: 0.5 })?.timeoutMs, 500);
  assert.throws(() => only({ kind: 'https', ca_file: 'none.pem' }, folder), {
    name: 'ConfigError',
    message: /the CA file .*none\.pem cannot be read/,
  });
  writeFileSync(path.join(folder, 'no.pem'), 'no certificate');
  assert.throws(() => only({ kind: 'https', ca_file: 'no.pem' }, folder), {
    name: 'ConfigError',
    message: /holds no certificate in PEM/,
  });
});

test('a check that cannot be is refused with its reason', () => {
  const rows: [object, RegExp][] = [
    [{}, /kind/],
    [{ kind: 'icmp' }, /must be tcp, http, https, grpc or quic/],
    [{ kind: 'tcp', path: '/' }, /path/],
    [{ kind: 'http', verify: false }, /verify/],
    [{ kind: 'http', path: 'healthz' }, /must begin with \//],
    [{ kind: 'http', path: '/a\r\nx: y' }, /must begin with \//],
    [{ kind: 'http', host: 'a b' }, /must be a name of a host/],
    [{ kind: 'https', host: 'shop.test:443' }, /must be a name of a host/],
    [{ kind: 'http', status: [99] }, /status/],
    [{ kind: 'http', status: [101] }, /status/],
    [{ kind: 'grpc', grpc_service: 'x'.repeat(128) }, /127 printable/],
    [{ kind: 'tcp', port: 0 }, /port/],
    [{ kind: 'tcp', rise: 0 }, /rise/],
    [{ kind: 'tcp', fall: 101 }, /fall/],
    [{ kind: 'tcp', interval_seconds: 0 }, /interval_seconds/],
    [{ kind: 'tcp', timeout_seconds: 61 }, /timeout_seconds/],
    [{ kind: 'tcp', interval_seconds: 1, timeout_seconds: 2 }, /timeout_seconds that is not above/],
  ];
  for (const [check, reason] of rows) {
    const { error } = XdpFile.safeParse(fileOf(check));
    assert.match(JSON.stringify(error?.issues), reason, JSON.stringify(check));
  }
  const any = XdpFile.safeParse(fileOf({ kind: 'tcp' }, { port: 'any' }));
  assert.match(JSON.stringify(any.error?.issues), /must say the port of its check/);
});
