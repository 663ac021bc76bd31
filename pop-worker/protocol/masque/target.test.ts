import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIpScope } from './ip-scope.ts';
import { parseAuthority, parseTarget } from './target.ts';

test('hosts and ports (RFC 9298 §3)', () => {
  assert.deepEqual(parseTarget('Example.ORG', '443'), { host: 'example.org', address: undefined, port: 443 });
  assert.deepEqual(parseTarget('192.0.2.6', '1')?.address, Uint8Array.of(192, 0, 2, 6));
  assert.equal(parseTarget('2001:db8::42', '65535')?.address?.length, 16);
  assert.equal(parseTarget('_dns.example', '53')?.host, '_dns.example');
  for (const host of [
    '',
    '[::1]',
    'fe80::1%25eth0',
    'fe80::1%eth0',
    '1.2.3',
    '1.2.3.4.5',
    '127.1',
    '0x7f000001',
    '0x7f.1',
    '2130706433',
    '017700000001',
    '01.2.3.4',
    'a..b',
    '.a',
    '-a.example',
    'a-.example',
    `${'a'.repeat(64)}.example`,
    'a b',
    'a/b',
    'a@b',
    `${'a.'.repeat(127)}toolong`,
  ]) {
    assert.equal(parseTarget(host, '80'), undefined, host);
  }
  for (const port of ['', '0', '65536', '-1', '1.5', '80 ', '000080'])
    assert.equal(parseTarget('a', port), undefined, port);
});

test('names are what DNS takes: labels of 63 bytes, 253 in all', () => {
  const host = (name: string) => parseTarget(name, '80')?.host;
  for (const c of 'azAZ09_') {
    for (const name of [`${c}y`, `y${c}`, `y${c}y`, `y.${c}y.z`, `y.y${c}`]) {
      assert.equal(host(name), name.toLowerCase());
    }
  }
  for (const name of ['a-b', 'x.a-b.c', 'example.', '1a', 'a.0xg', '0.a', '1.2.3.a']) assert.equal(host(name), name);
  for (const name of ['a-', 'x.-a', 'x.a-', 'example..', 'a.1', 'a.0x', '0x', '1.', 'a.0XF']) {
    assert.equal(host(name), undefined, name);
  }
  const label = 'a'.repeat(63);
  assert.equal(host(label), label);
  assert.equal(host(`x.${label}`), `x.${label}`);
  assert.equal(host(`x.${label}a`), undefined);
  const longest = `${label}.${label}.${label}.${'b'.repeat(61)}`;
  assert.equal(host(longest), longest);
  assert.equal(host(`${longest}b`), undefined);
});

test('the authority of a CONNECT (RFC 9110 §7.1)', () => {
  assert.equal(parseAuthority('example.org:443')?.port, 443);
  assert.equal(parseAuthority('[2001:db8::1]:443')?.host, '2001:db8::1');
  for (const text of ['example.org', ':443', '2001:db8::1:443', '[1.2.3.4]:1', '[::1]', 'a:b:1', 'a:0', 'u@a:1']) {
    assert.equal(parseAuthority(text), undefined, text);
  }
});

test('the scope of a CONNECT-IP (RFC 9484 §4.6)', () => {
  assert.deepEqual(parseIpScope(), { target: '*', ipproto: '*' });
  assert.deepEqual(parseIpScope('*', '17'), { target: '*', ipproto: 17 });
  assert.deepEqual(parseIpScope('Host.example', '255'), { target: 'host.example', ipproto: 255 });
  assert.deepEqual(parseIpScope('192.0.2.0/24', '0'), {
    target: { address: Uint8Array.of(192, 0, 2, 0), length: 24 },
    ipproto: 0,
  });
  assert.deepEqual(parseIpScope('::', '*')?.target, { address: new Uint8Array(16), length: 128 });
  for (const [target, proto] of [
    ['', '*'],
    ['*', ''],
    ['*', '256'],
    ['*', '999'],
    ['*', '-1'],
    ['*', 'tcp'],
    ['*', '0017'],
    ['192.0.2.1/24', '*'],
    ['192.0.2.0/33', '*'],
    ['2001:db8::1/64', '*'],
    ['2001:db8::/129', '*'],
    ['host.example/24', '*'],
    ['fe80::1%eth0', '*'],
    ['1.2.3', '*'],
  ] as const) {
    assert.equal(parseIpScope(target, proto), undefined, `${target} ${proto}`);
  }
});
