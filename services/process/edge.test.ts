import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigError } from '#settings/toml-file.ts';
import { parseEdgeConfig } from './edge-config.ts';

const WHOLE = `
listen = "[::1]:8443"
tls = { certificate = "edge.pem", key = "edge.key" }
[nats]
url = "wss://nats.example:8444"
credentials = "edge.creds"
[identity]
issuer = "https://id.example"
project = "1"
`;

const wrong = (text: string): string => {
  try {
    parseEdgeConfig(text, 'e.toml');
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return assert.fail('it was taken');
};

test('paths are relative to the file, and nobody is an operator by default', () => {
  const config = parseEdgeConfig(WHOLE, '/etc/cloudbridge/e.toml');
  assert.deepEqual(config.tls, { certificate: '/etc/cloudbridge/edge.pem', key: '/etc/cloudbridge/edge.key' });
  assert.deepEqual(config.nats, { url: 'wss://nats.example:8444', credentials: '/etc/cloudbridge/edge.creds' });
  assert.equal(config.identity.operator_organisation, '');
});

test('each mistake is named with its place', () => {
  assert.match(wrong('[nats'), /^e\.toml:1:\d+: /);
  assert.match(wrong(WHOLE.replace('wss://', 'tls://')), /nats\.url: must be wss:/);
  assert.match(wrong(WHOLE.replace('project = "1"', '')), /identity\.project/);
  assert.match(wrong(`installation_key = "i"\n${WHOLE}`), /installation_key/);
});

test('any text is taken or refused with a ConfigError', () => {
  const changed = fc.shuffledSubarray(WHOLE.split('\n')).map((some) => some.join('\n'));
  fc.assert(
    fc.property(fc.oneof(fc.string(), changed), (text) => {
      try {
        parseEdgeConfig(text, 'e.toml');
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});
