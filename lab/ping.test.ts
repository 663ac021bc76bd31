import assert from 'node:assert/strict';
import test from 'node:test';
import { parseReplies } from './ping.ts';

test('answers of iputils are read, whatever stands between them', () => {
  const text = `PING 203.0.113.10 (203.0.113.10) 56(84) bytes of data.
64 bytes from 203.0.113.10: icmp_seq=1 ttl=62 time=0.204 ms
From 198.51.100.1 icmp_seq=2 Destination Net Unreachable
64 bytes from 203.0.113.10: icmp_seq=3 ttl=62 time=40.4 ms
64 bytes from 203.0.113.10: icmp_seq=3 ttl=62 time=40.9 ms (DUP!)

--- 203.0.113.10 ping statistics ---
4 packets transmitted, 2 received, +1 duplicates, +1 errors, 50% packet loss, time 190ms
`;
  assert.deepEqual(
    parseReplies(text).map(({ sequence, rttUs }) => [sequence, rttUs]),
    [
      [1, 204],
      [3, 40_400],
    ],
  );
});

test('with -D they say when they came; IPv6 too', () => {
  const text = '[1764093852.250001] 64 bytes from fd00::2: icmp_seq=7 ttl=63 time=1 ms\n';
  assert.deepEqual(parseReplies(text), [{ sequence: 7, rttUs: 1000, atMs: 1_764_093_852_250.001 }]);
});

test('where nothing answers there are none', () => {
  assert.deepEqual(parseReplies('ping: connect: Network is unreachable'), []);
});
