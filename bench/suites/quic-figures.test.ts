import assert from 'node:assert/strict';
import { test } from 'node:test';
import { datagramFigures, handshakeFigures, requestFigures, type Told, transferFigures } from './quic-figures.ts';

test('a transfer: the CPU of both sides by the packets that came', () => {
  const said = { bytes: 1e9, secs: 2, gbps: 4, client_cpu: 0.5, rx_packets: 500_000, tx_packets: 9 };
  assert.deepEqual(transferFigures({ said, serverSeconds: 1.5 }), { goodput: 4, cpu_per_packet: 4 });
});

test('datagrams: only what arrived counts', () => {
  const said = { sent: 1000, received: 800, secs: 1, kpps: 0.8, loss_pct: 20, client_cpu: 0.0005 };
  const figures = datagramFigures({ said, serverSeconds: 0.0015 });
  assert.deepEqual(figures, { datagrams: 0.8, datagrams_lost: 20, cpu_per_datagram: 2.5 });
});

const handshakes = (more: Told['said']): Told => ({
  said: { handshakes: 1000, hs_per_s: 500, resumed: 0, early: 0, failed: 0, client_cpu: 0.5, ...more },
  serverSeconds: 0.7,
});

test('handshakes: the CPU of both sides each, when they were what was wanted', () => {
  const figures = { cpu_per_handshake: 1200, handshakes: 500 };
  assert.deepEqual(handshakeFigures(handshakes({}), 'full'), figures);
  assert.deepEqual(handshakeFigures(handshakes({ resumed: 992 }), 'resumed'), figures);
  assert.deepEqual(handshakeFigures(handshakes({ resumed: 992, early: 992 }), '0rtt'), figures);
});

test('handshakes of another kind, or that failed, are no figures', () => {
  assert.throws(() => handshakeFigures(handshakes({ failed: 1 }), 'full'), /1 handshakes failed/);
  assert.throws(() => handshakeFigures(handshakes({ resumed: 900 }), 'resumed'), /Only 900 of 1000 were resumed/);
  assert.throws(() => handshakeFigures(handshakes({ resumed: 1000 }), '0rtt'), /Only 0 of 1000 had early data/);
});

test('requests as the client tells them; a client that tells less is a failure', () => {
  const said = { requests: 10, rps: 1000, p50_us: 90, p99_us: 200, client_cpu: 1 };
  const figures = { requests: 1000, p50: 90, p99: 200, cpu_per_request: 200_000 };
  assert.deepEqual(requestFigures({ said, serverSeconds: 1 }), figures);
  assert.throws(() => requestFigures({ said: { rps: 1000 }, serverSeconds: 1 }), /prints no `p50_us`/);
});
