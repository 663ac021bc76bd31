import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runCommand } from '#lab/command.ts';
import type { Pair } from '../harness/network.ts';
import type { ProgramSpec } from '../harness/program.ts';
import { cpuSecondsOf, peakResidentBytesOf, residentBytesOf } from '../harness/usage.ts';
import { SPOOFED } from '../quic-flood/order.ts';
import type { StrangerOrder, StrangersTold } from '../wireguard-load/stranger-order.ts';

const MAIN = fileURLToPath(new URL('../wireguard-load/strangers.ts', import.meta.url));
/** More than a server would remember. */
export const MANY_SOURCES = 1 << 16;
/** A flood is on so long before what is measured under it. */
const LEAD_MS = 1000;
const WATCH_MS = 2000;
const LIMIT_MS = 60_000;
/** proc_pid_clear_refs(5): the most that is resident is counted anew. */
const RESET_PEAK = '5';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Makes the addresses that messages claim to come from the client's own, and tells the server the way there. */
export const routeSpoofed = async ({ client, server }: Pair): Promise<void> => {
  await runCommand('ip', ['-n', client.namespace, 'route', 'add', 'local', SPOOFED, 'dev', 'lo']);
  await runCommand('ip', ['-n', server.namespace, 'route', 'add', SPOOFED, 'via', client.address]);
};

const FILTER = 'table inet strangers';

/** Runs `work` while a packet filter drops what comes from those addresses, before any program. */
export const filtered = async <T>({ server }: Pair, work: () => Promise<T>): Promise<T> => {
  const nft = (input: string): Promise<string> =>
    runCommand('ip', ['netns', 'exec', server.namespace, 'nft', '-f', '-'], { input });
  await nft(`${FILTER} {\nchain in {\ntype filter hook prerouting priority raw\nip saddr ${SPOOFED} drop\n}\n}\n`);
  try {
    return await work();
  } finally {
    await nft(`delete ${FILTER}\n`);
  }
};

/** Starts a flood. */
type StartStrangers = (spec: ProgramSpec) => {
  readonly ready: Promise<unknown>;
  finish(limitMs: number): Promise<unknown>;
};

/** Runs `work` under a flood that lasts longer. @throws an Error when less of it left than was to */
export const under = async <T>(
  start: StartStrangers,
  order: StrangerOrder,
  work: () => Promise<T>,
): Promise<{ readonly seen: T; readonly told: StrangersTold }> => {
  const load = start({ name: 'strangers', command: process.execPath, args: [MAIN], ipc: true, order });
  await load.ready;
  await pause(LEAD_MS);
  const seen = await work();
  const told = (await load.finish(LIMIT_MS)) as StrangersTold;
  if (told.sent < 0.9 * order.rate * told.seconds) throw new Error(`Of the flood only ${told.sent} messages left.`);
  return { seen, told };
};

const cpuShare = async (pid: number): Promise<number> => {
  const [before, from] = [cpuSecondsOf(pid), performance.now()];
  await pause(WATCH_MS);
  return (1000 * (cpuSecondsOf(pid) - before)) / (performance.now() - from);
};

/** What each message costs a program that has nothing else to do, in us of its CPU, and what the flood adds to its memory. */
export const costOf = async (pid: number, start: StartStrangers, order: StrangerOrder) => {
  const idle = await cpuShare(pid);
  writeFileSync(`/proc/${pid}/clear_refs`, RESET_PEAK);
  const resident = residentBytesOf(pid);
  const { seen, told } = await under(start, order, () => cpuShare(pid));
  return {
    cpuUs: (1e6 * (seen - idle)) / order.rate,
    grownMib: Math.max(0, peakResidentBytesOf(pid) - resident) / 2 ** 20,
    cookies: told.cookies / told.sent,
  };
};
