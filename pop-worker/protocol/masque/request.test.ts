import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestHead } from '#protocol/http3/message.ts';
import { matchTunnelRequest, tunnelRequest } from './request.ts';
import { defaultUdpTemplate } from './uri-template.ts';

const TEMPLATE = defaultUdpTemplate('proxy.example');
const PATH = '/.well-known/masque/udp/2001%3Adb8%3A%3A1/53/';

const match = (change: Partial<RequestHead> = {}) =>
  matchTunnelRequest(
    {
      method: 'CONNECT',
      scheme: 'https',
      authority: 'proxy.example',
      path: PATH,
      protocol: 'connect-udp',
      fields: [],
      ...change,
    },
    'connect-udp',
    TEMPLATE,
  );

test('a request carries its protocol, where the template leads, and the fields that are given', () => {
  const fields = tunnelRequest('connect-udp', TEMPLATE, { target_host: '2001:db8::1', target_port: '53' }, [
    { name: 'authorization', value: 'Bearer t' },
  ]);
  assert.deepEqual(
    fields.map(({ name, value }) => `${name} ${value}`),
    [
      ':method CONNECT',
      ':protocol connect-udp',
      ':scheme https',
      ':authority proxy.example',
      `:path ${PATH}`,
      'capsule-protocol ?1',
      'authorization Bearer t',
    ],
  );
});

test('a request is matched by protocol and path, its variables are decoded', () => {
  assert.deepEqual(match(), { target_host: '2001:db8::1', target_port: '53' });
  assert.equal(match({ protocol: 'connect-ip' }), 'elsewhere');
  assert.equal(match({ protocol: undefined }), 'elsewhere');
  assert.equal(match({ path: '/' }), 'elsewhere');
  assert.equal(match({ path: undefined }), 'elsewhere');
  assert.equal(match({ path: PATH.replace('53', '%00') }), 'malformed');
});

test('content and capsules exclude each other (RFC 9297 §3.2)', () => {
  for (const name of ['content-length', 'content-type', 'transfer-encoding']) {
    assert.equal(match({ fields: [{ name, value: '0' }] }), 'malformed', name);
  }
  assert.equal(typeof match({ fields: [{ name: 'x', value: '0' }] }), 'object');
});
