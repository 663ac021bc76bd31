import assert from 'node:assert/strict';
import test from 'node:test';
import { parsePing } from './ping.ts';

test('the summary of iputils is read, in microseconds', () => {
  const text = `--- 203.0.113.10 ping statistics ---
20 packets transmitted, 19 received, 5% packet loss, time 190ms
rtt min/avg/max/mdev = 0.043/0.075/0.203/0.033 ms
`;
  assert.deepEqual(parsePing(text), { received: 19, minUs: 43, meanUs: 75, maxUs: 203 });
});

test('what is no summary is an error that shows it', () => {
  assert.throws(() => parsePing('ping: unknown host'), /ping printed no summary: ping: unknown host/);
});
