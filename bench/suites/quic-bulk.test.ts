import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figuresOf } from './quic-bulk.ts';

test('what two sides of a transfer come to', () => {
  const server = { bytes: 1e9, seconds: 2.1, cpuSeconds: 1, packetsSent: 500_000, packetsReceived: 10_000 };
  const client = { bytes: 1e9, seconds: 2, cpuSeconds: 0.5, packetsSent: 10_000, packetsReceived: 400_000 };
  assert.deepEqual(figuresOf({ server, client }), {
    // The client's time: from the end of its handshake to the last byte.
    goodput: 4,
    cpu_per_packet_server: 2,
    cpu_per_packet_client: 1.25,
    goodput_per_core_server: 8,
    goodput_per_core_client: 16,
  });
});
