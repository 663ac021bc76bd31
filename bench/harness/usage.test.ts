import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cpuSecondsIn,
  cpuSecondsOf,
  peakResidentBytesIn,
  peakResidentBytesOf,
  residentBytesIn,
  residentBytesOf,
  segmentsIn,
  segmentsSentBeside,
} from './usage.ts';

test('CPU time of a process, whatever its name is', () => {
  const rest = 'S 1 2 3 0 -1 4194560 100 0 0 0 150 25 7 9 20 0 11 0 5000 1 2';
  assert.equal(cpuSecondsIn(`42 (node) ${rest}`), 1.75);
  assert.equal(cpuSecondsIn(`42 (a) S (b) ${rest}`), 1.75);
});

test('TCP segments sent, by the name of their column', () => {
  const snmp = [
    'Ip: Forwarding OutRequests',
    'Ip: 2 77',
    'Tcp: RtoAlgorithm InSegs OutSegs RetransSegs',
    'Tcp: 1 1000 2000 3',
    'Udp: InDatagrams',
    'Udp: 5',
  ].join('\n');
  assert.equal(segmentsIn(snmp), 2000);
  assert.throws(() => segmentsIn('Ip: Forwarding\nIp: 1\n'), /no TCP segments/);
});

test('resident memory, and what it once was, and never what is only reserved', () => {
  const status = 'Name:\tVmRSS: 7 kB\nVmSize:\t  9000 kB\nVmHWM:\t    800 kB\nVmRSS:\t    512 kB\nRssAnon:\t 1 kB\n';
  assert.equal(residentBytesIn(status), 524_288);
  assert.equal(peakResidentBytesIn(status), 819_200);
  assert.throws(() => residentBytesIn('Name:\tkthreadd\n'), /no resident memory/);
  assert.throws(() => peakResidentBytesIn('Name:\tkthreadd\n'), /no peak/);
});

test('the kernel of this machine tells them all', () => {
  const before = cpuSecondsOf(process.pid);
  assert.ok(before > 0);
  while (cpuSecondsOf(process.pid) <= before);
  assert.ok(segmentsSentBeside(process.pid) >= 0);
  assert.ok(residentBytesOf(process.pid) > 1 << 20);
  assert.ok(peakResidentBytesOf(process.pid) >= residentBytesOf(process.pid) / 2);
});
