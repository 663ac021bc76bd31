import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyErrorOf, proxyStatus, refusalFields } from './proxy-status.ts';

test('Proxy-Status (RFC 9209 §2)', () => {
  assert.equal(
    proxyStatus('moscow-1.cloudbridge', { error: 'dns_error', rcode: 'NXDOMAIN' }),
    'moscow-1.cloudbridge; error=dns_error; rcode="NXDOMAIN"',
  );
  assert.equal(
    proxyStatus('a b', { error: 'destination_ip_prohibited', details: 'say "no" \\ \r\n' }),
    '"a b"; error=destination_ip_prohibited; details="say \\"no\\" \\\\ ??"',
  );
  assert.deepEqual(refusalFields('p', { error: 'connection_timeout' })[0], { name: ':status', value: '504' });
  assert.deepEqual(refusalFields('p', { error: 'http_request_denied', status: 401 })[0]?.value, '401');
});

test('a client finds the error again', () => {
  for (const error of ['dns_timeout', 'proxy_internal_error'] as const) {
    assert.equal(proxyErrorOf(refusalFields('p q', { error, details: 'x; error=fake' })), error);
  }
  assert.equal(proxyErrorOf([]), undefined);
  assert.equal(proxyErrorOf([{ name: 'proxy-status', value: 'p; details="; error=fake"' }]), undefined);
});
