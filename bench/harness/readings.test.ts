import assert from 'node:assert/strict';
import { test } from 'node:test';
import { causeOf } from './cause.ts';
import { goodputOf } from './iperf.ts';
import { makerOf } from './network.ts';
import { roundTripUs } from './ping.ts';
import { holdsPort } from './sockets.ts';

test('iperf3: what arrived counts, not what was sent', () => {
  const end = { sum_sent: { bits_per_second: 9e9 }, sum_received: { bits_per_second: 2.5e9 } };
  assert.equal(goodputOf(JSON.stringify({ end })), 2.5);
});

test('iperf3: its error is ours, and nothing received is one', () => {
  const refused = JSON.stringify({ error: 'unable to connect to server: Connection refused' });
  assert.throws(() => goodputOf(refused), /Connection refused/);
  for (const end of [{}, { sum_received: {} }, { sum_received: { bits_per_second: 0 } }]) {
    assert.throws(() => goodputOf(JSON.stringify({ end })), /nothing received/);
  }
  assert.throws(() => goodputOf('{}'), /nothing received/);
});

test('ping: the mean, in microseconds', () => {
  const report = [
    'PING 10.64.0.1 (10.64.0.1) 56(84) bytes of data.',
    '',
    '--- 10.64.0.1 ping statistics ---',
    '3 packets transmitted, 3 received, 0% packet loss, time 20ms',
    'rtt min/avg/max/mdev = 0.040/0.472/0.900/0.012 ms',
  ];
  assert.equal(roundTripUs(report.join('\n')), 472);
  assert.throws(
    () => roundTripUs('3 packets transmitted, 0 received, 100% packet loss, time 20ms\n'),
    /100% packet loss/,
  );
});

test("a bound port in the kernel's table, of either family", () => {
  const v4 = [
    '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops',
    '  345: 0100007F:1D16 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 55081 2 0000000000000000 0',
  ].join('\n');
  assert.equal(holdsPort(v4, 0x1d16), true);
  assert.equal(holdsPort(v4, 0x1d17), false);
  // The far end's port and the header are something else.
  assert.equal(holdsPort(v4, 0), false);
  const v6 = '  1: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 07';
  assert.equal(holdsPort(v6, 53), true);
  assert.equal(holdsPort('', 53), false);
});

test("the error line of a program's stderr, else its last lines", () => {
  const stack =
    'file:///x.ts:3\n  throw e;\n  ^\n\nRangeError: no such version\n    at f (x.ts:3:1)\n\nNode.js v24.21.0\n';
  assert.equal(causeOf(stack), 'RangeError: no such version');
  assert.equal(causeOf('a\nb\n\nc\nd\n'), 'b | c | d');
  assert.equal(causeOf(''), '');
});

test('only namespaces of this harness have a maker', () => {
  assert.equal(makerOf('cbh-4711-server'), 4711);
  for (const name of ['cb-moscow', 'cbt-4711-1', 'cbh-4711', 'cbh-x-server']) assert.equal(makerOf(name), undefined);
});
