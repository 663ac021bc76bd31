/**
 * Bulk transfer between two processes of ours: `node bench/quic-bulk/main.ts [--bytes N] [--streams N] [--datagrams BYTES]
 * [--mtu N] [--cc NAME] [--profile] [--pin]` (`--pin`: a CPU for each side). Prints lines as `cloudbridge bench --json` does.
 */
import { execFileSync, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { DEFAULT_CONTROLLER } from '#protocol/congestion/registry.ts';
import type { SideOrder, SideResult } from './side.ts';

const { values } = parseArgs({
  options: {
    bytes: { type: 'string', default: '1e9' },
    streams: { type: 'string', default: '1' },
    datagrams: { type: 'string', default: '0' },
    mtu: { type: 'string', default: '1452' },
    cc: { type: 'string', default: process.env['CBR_CC'] || DEFAULT_CONTROLLER },
    profile: { type: 'boolean', default: false },
    pin: { type: 'boolean', default: false },
  },
});

interface Side {
  readonly port: Promise<number>;
  readonly result: Promise<SideResult>;
}

const start = (order: SideOrder): Side => {
  const profile = values.profile ? ['--cpu-prof', `--cpu-prof-name=quic-bulk-${order.role}.cpuprofile`] : [];
  const child = fork(fileURLToPath(new URL('side.ts', import.meta.url)), [], { execArgv: profile });
  const port = Promise.withResolvers<number>();
  const result = Promise.withResolvers<SideResult>();
  child.on('message', (message: { port?: number; result?: SideResult }) => {
    if (message.port !== undefined) port.resolve(message.port);
    if (message.result === undefined) return;
    result.resolve(message.result);
    child.disconnect();
  });
  child.on('exit', (code) => result.reject(new Error(`${order.role} exited with ${code}`)));
  // Node sets no affinity by itself.
  if (values.pin) execFileSync('taskset', ['-a', '-p', '-c', order.role === 'server' ? '0' : '1', `${child.pid}`]);
  child.send(order);
  return { port: port.promise, result: result.promise };
};

const authority = createAuthority();
const { certificateChain, privateKey } = authority.issue('bench.test');
const order = {
  address: '127.0.0.1',
  port: 0,
  bytes: Number(values.bytes),
  streams: Number(values.streams),
  datagramBytes: Number(values.datagrams),
  mtu: Number(values.mtu),
  controller: values.cc,
  certificateChain,
  privateKey: privateKey as string,
  trustAnchors: authority.pem,
};
const server = start({ ...order, role: 'server' });
const client = start({ ...order, role: 'client', port: await server.port });
const [sent, received] = await Promise.all([server.result, client.result]);

const name = order.datagramBytes > 0 ? `datagrams-${order.datagramBytes}` : `streams-${order.streams}`;
const line = (metric: string, value: number, unit: string): void => {
  const rounded = Number(value.toPrecision(4));
  console.log(JSON.stringify({ suite: 'quic-bulk', case: name, metric, value: rounded, unit }));
};
line('goodput', (8 * received.bytes) / received.seconds / 1e9, 'Gbit/s');
line('cpu-per-packet-server', (1e6 * sent.cpuSeconds) / sent.packetsSent, 'us');
line('cpu-per-packet-client', (1e6 * received.cpuSeconds) / received.packetsReceived, 'us');
line('goodput-per-core-server', (8 * received.bytes) / sent.cpuSeconds / 1e9, 'Gbit/s');
line('goodput-per-core-client', (8 * received.bytes) / received.cpuSeconds / 1e9, 'Gbit/s');
line('packets', sent.packetsSent, '1');
line('packets-back', received.packetsSent, '1');
line('packets-lost', sent.lostPackets, '1');
line('segments-per-send', sent.segmentsSent, '1');
line('segments-per-receive', received.segmentsReceived, '1');
if (order.datagramBytes > 0) line('datagrams', received.datagrams / received.seconds / 1000, 'k/s');
