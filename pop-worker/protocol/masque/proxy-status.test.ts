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
  assert.deepEqual(refusalFields('p', { error: 'connection_limit_reached', retryAfterSeconds: 0 }), [
    { name: ':status', value: '503' },
    { name: 'proxy-status', value: 'p; error=connection_limit_reached' },
    { name: 'retry-after', value: '0' },
  ]);
  assert.equal(refusalFields('p', { error: 'connection_limit_reached' }).length, 2);
});

test('each error has the status of RFC 9209 §2.3', () => {
  for (const [error, status] of [
    ['dns_timeout', 504],
    ['dns_error', 502],
    ['destination_not_found', 500],
    ['destination_unavailable', 503],
    ['destination_ip_prohibited', 502],
    ['destination_ip_unroutable', 502],
    ['connection_refused', 502],
    ['connection_terminated', 502],
    ['connection_timeout', 504],
    ['connection_limit_reached', 503],
    ['http_request_error', 400],
    ['http_request_denied', 403],
    ['proxy_internal_error', 500],
    ['proxy_configuration_error', 500],
    ['proxy_loop_detected', 502],
  ] as const) {
    assert.equal(refusalFields('p', { error })[0]?.value, String(status), error);
  }
});

test('a client finds the error again', () => {
  for (const error of ['dns_timeout', 'proxy_internal_error'] as const) {
    assert.equal(proxyErrorOf(refusalFields('p q', { error, details: 'x; error=fake' })), error);
  }
  assert.equal(proxyErrorOf([]), undefined);
  assert.equal(proxyErrorOf([{ name: 'proxy-status', value: 'p; details="; error=fake"' }]), undefined);
});
