/**
 * Bulk TCP through a worker between namespaces, as root: `node bench/tunnel/main.ts [--bytes N] [--streams N] [--up]
 * [--profile FOLDER]`. Prints lines as `cloudbridge bench --json` does.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { deviceOf, INTERNET4, World } from '#pop-worker/testing/world.ts';

const { values } = parseArgs({
  options: {
    bytes: { type: 'string', default: '3e8' },
    streams: { type: 'string', default: '1' },
    profile: { type: 'string' },
  },
});

const TICKS_PER_SECOND = 100;

/** Seconds of CPU that a process has used, its threads included, and how much of it in the kernel. */
const cpuOf = (pid: number): { all: number; kernel: number } => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const [user, kernel] = [Number(fields[11]) / TICKS_PER_SECOND, Number(fields[12]) / TICKS_PER_SECOND];
  return { all: user + kernel, kernel };
};

const cleanUps: (() => void)[] = [];
const world = new World({ after: (act) => void cleanUps.push(act as () => void) });
try {
  await world.network();
  await world.configure();
  const profile = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`];
  const worker = await world.startWorker(profile);
  const device = await world.connect(deviceOf('red', 2), undefined, profile);
  await device.reports.of('up');
  const pids = { worker: worker.pid as number, device: device.child.pid as number };
  const bytes = Number(values.bytes);
  const streams = Number(values.streams);
  const url = (n: number): string => `http://${INTERNET4}:8000/${n}/${Math.floor(bytes / streams)}`;
  await world.download(device.namespace, `http://${INTERNET4}:8000/1/1000000`);
  const packetsOf = async (): Promise<number> => {
    const down = await world.metric('cloudbridge_forward_packets_total{direction="down"}');
    return down + (await world.metric('cloudbridge_forward_packets_total{direction="up"}'));
  };
  const before = { packets: await packetsOf(), worker: cpuOf(pids.worker), device: cpuOf(pids.device) };
  const results = await world.download(device.namespace, ...Array.from({ length: streams }, (_, i) => url(i)));
  const after = { worker: cpuOf(pids.worker), device: cpuOf(pids.device) };
  const cpu = { worker: after.worker.all - before.worker.all, device: after.device.all - before.device.all };
  const packets = (await packetsOf()) - before.packets;
  const seconds = Math.max(...results.map((result) => result.seconds));
  const ratio = async (a: string, b: string): Promise<number> => (await world.metric(a)) / (await world.metric(b));
  const sent = (what: string): string => `cloudbridge_udp_${what}_total{direction="sent"}`;
  const read = (what: string): string => `cloudbridge_tun_${what}_total{direction="read"}`;
  const line = (metric: string, value: number, unit: string): void => {
    const rounded = Number(value.toPrecision(4));
    console.log(JSON.stringify({ suite: 'tunnel', case: `download-${streams}`, metric, value: rounded, unit }));
  };
  line('goodput', (8 * bytes) / seconds / 1e6, 'Mbit/s');
  line('cpu-per-packet-worker', (1e6 * cpu.worker) / packets, 'us');
  line('cpu-per-packet-device', (1e6 * cpu.device) / packets, 'us');
  line('kernel-share-worker', (after.worker.kernel - before.worker.kernel) / cpu.worker, 'ratio');
  line('goodput-per-core-worker', (8 * bytes) / cpu.worker / 1e6, 'Mbit/s');
  line('cpu-worker', cpu.worker / seconds, 'ratio');
  line('packets', packets, 'count');
  line('segments-per-send', await ratio(sent('datagrams'), sent('messages')), 'ratio');
  line('bytes-per-tun-read', await ratio(read('bytes'), read('packets')), 'bytes');
  for (const series of [
    'cloudbridge_forward_dropped_packets_total{reason="session_queue_full"}',
    'cloudbridge_forward_dropped_packets_total{reason="tun_queue_full"}',
    'cloudbridge_quic_lost_packets_total{verdict="lost"}',
    'cloudbridge_udp_blocked_sends_total',
  ]) {
    line(/_(\w+)_total/.exec(series)?.[1] + (/"(.*)"/.exec(series)?.[1] ?? ''), await world.metric(series), 'count');
  }
  const gone = new Promise((resolve) => device.child.once('exit', resolve));
  await world.endWorker('SIGTERM');
  await gone;
} finally {
  for (const act of cleanUps) act();
}
