import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import { hostPort, ipAddress, natsServers, prefix, splitHostPort } from './fields.ts';

const taken = (kind: z.ZodType<unknown>, value: unknown): boolean => kind.safeParse(value).success;

test('what is no prefix is told why', () => {
  const faultOf = (text: string) => prefix.safeParse(text).error?.issues[0]?.message;
  assert.equal(faultOf('1.2.3.4/40'), 'must be a prefix: its length is 32 at most');
  assert.equal(faultOf('2001:db8::/129'), 'must be a prefix: its length is 128 at most');
  assert.match(faultOf('10.0.0.1/8') ?? '', /no bits may be set behind its length/);
  for (const text of ['10.0.0.0', 'x/8', '10.0.0/8']) assert.match(faultOf(text) ?? '', /^must be a prefix, such as/);
});

const TABLE: readonly (readonly [string, z.ZodType<unknown>, readonly unknown[], readonly unknown[]])[] = [
  [
    'host:port',
    hostPort,
    ['127.0.0.1:9464', '[::1]:0', '[2001:db8:0:AF::f0]:443', 'edge.example:65535', 'a-b:1'],
    [
      '',
      '9464',
      ':9464',
      'h:',
      'h:65536',
      'h:123456',
      'h:-1',
      '::1:80',
      '[::1]',
      '[::1:80',
      'h:80/x',
      'a b:80',
      'h:80\n',
      80,
    ],
  ],
  [
    'an IP address',
    ipAddress,
    ['192.0.2.1', '2001:db8::1'],
    ['', '192.0.2', '192.0.2.01', 'host', '::1%lo', '::1/128'],
  ],
  [
    'a prefix',
    prefix,
    ['10.0.0.0/8', '2001:db8::/32', '0.0.0.0/0', '192.0.2.1/32'],
    ['', '10.0.0.0', '10.0.0.1/8', '10.0.0.0/33', '2001:db8::/129', 'host/8', '10.0.0.0/8/8', '10.0.0.0/', '/8'],
  ],
  [
    'NATS servers',
    natsServers,
    [['tls://nats:4222'], ['nats://a', 'tls://b']],
    [[], ['http://nats'], ['nats'], 'tls://nats'],
  ],
];

for (const [what, kind, good, bad] of TABLE) {
  test(`${what} is taken, and nothing like it`, () => {
    for (const value of good) assert.ok(taken(kind, value), JSON.stringify(value));
    for (const value of bad) assert.ok(!taken(kind, value), JSON.stringify(value));
  });
}

test('host and port are told apart, an IPv6 host without its brackets', () => {
  assert.deepEqual(splitHostPort('[2001:db8::1]:443'), { host: '2001:db8::1', port: 443 });
  assert.deepEqual(splitHostPort('edge.example:0'), { host: 'edge.example', port: 0 });
});
