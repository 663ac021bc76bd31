import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figuresOf } from './quic-bulk.ts';

test('what two sides of a transfer come to', () => {
  const server = {
    bytes: 1e9,
    seconds: 2.1,
    cpuSeconds: 1,
    packetsSent: 500_000,
    packetsReceived: 10_000,
    datagrams: 0,
  };
  const client = {
    bytes: 1e9,
    seconds: 2,
    cpuSeconds: 0.5,
    packetsSent: 10_000,
    packetsReceived: 400_000,
    datagrams: 0,
  };
  assert.deepEqual(figuresOf({ server, client }), {
    // The client's time: from the end of its handshake to the last byte.
    goodput: 4,
    datagrams: 0,
    datagrams_lost: 0,
    cpu_per_packet_server: 2,
    cpu_per_packet_client: 1.25,
    goodput_per_core_server: 8,
    goodput_per_core_client: 16,
  });
});

test('datagrams: what arrived counts, and the share that did not is told', () => {
  const side = { bytes: 1e9, seconds: 2, cpuSeconds: 1, packetsSent: 1, packetsReceived: 1 };
  const { datagrams, datagrams_lost } = figuresOf({
    server: { ...side, datagrams: 1000 },
    client: { ...side, datagrams: 900 },
  });
  assert.deepEqual({ datagrams, datagrams_lost }, { datagrams: 0.45, datagrams_lost: 10 });
});
