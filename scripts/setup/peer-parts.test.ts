import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fingerprint, notHad } from './peer-parts.mjs';

test('a fingerprint changes with every part, and with where one ends and the next begins', () => {
  const parts = [['ab', 'c'], ['a', 'bc'], ['abc'], ['ab', 'c', ''], ['ab', 'd']];
  assert.equal(new Set(parts.map((one) => fingerprint(one))).size, parts.length);
  assert.equal(fingerprint(['ab', 'c']), fingerprint([Buffer.from('ab'), 'c']));
  assert.match(fingerprint([]), /^[0-9a-f]{16}$/);
});

test('a network that is not there is another reason than a refusal', () => {
  const offline = [
    'Get "https://proxy.golang.org/x/@v/list": dial tcp: lookup proxy.golang.org: no such host',
    'warning: spurious network error: [6] (Could not resolve host: index.crates.io)',
    "W: Failed to fetch http://deb.debian.org/x  Temporary failure resolving 'deb.debian.org'",
  ];
  for (const cause of offline) assert.match(notHad('peers', cause).message, /^The network is not reached: the peers: /);
  assert.match(notHad('peers', 'undefined: quic.Conn').message, /^The peers: undefined/);
  assert.match(notHad('peers', 'E: Unable to locate package ngtcp2-client').message, /^The peers: /);
});
