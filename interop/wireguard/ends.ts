import { existsSync, rmSync } from 'node:fs';
import type { Program, ProgramSpec } from '#bench/harness/program.ts';
import { until } from '../bgp/until.ts';
import { commandLine, type Guest } from '../guest/guest.ts';
import { PROGRAMS, type ProgramName } from './implementations.ts';
import { type Place, placeOfGuest, placeOfNamespace } from './place.ts';
import { type End, newKeyPair, Side } from './side.ts';

/** As `withPrograms` hands it out. */
export type StartProgram = (spec: ProgramSpec, where: { readonly namespace: string }) => Program;

const ENDS = {
  ours: { host: 2, port: 5001 },
  theirs: { host: 1, port: 5002 },
} as const;
type Which = keyof typeof ENDS;

const endOf = (which: Which): End => {
  const { host, port } = ENDS[which];
  return {
    ...{ port, name: `${which === 'ours' ? 'cwo' : 'cwt'}${process.pid}` },
    outer: { 4: `192.0.2.${host}`, 6: `2001:db8::${host}` },
    inner: { 4: `10.9.0.${host}`, 6: `fd09::${host}` },
  };
};

/** Gives an interface that is there its inner addresses, and a link its outer one of IPv6. */
const giveAddresses = async (place: Place, { name, inner, outer }: End, link: string): Promise<void> => {
  const on = `for name in default all ${link}; do echo 0 > /proc/sys/net/ipv6/conf/$name/disable_ipv6; done`;
  await place.run(['sh', '-c', on]);
  const lines = [
    `address add ${outer[6]}/64 dev ${link} nodad`,
    `address add ${inner[4]}/24 dev ${name}`,
    `address add ${inner[6]}/64 dev ${name} nodad`,
    `link set ${name} up`,
  ];
  for (const line of lines) await place.run(['ip', ...line.split(' ')]);
};

/** The interface of a program that runs in a network namespace. @throws PeerMissing */
export const sideOfProgram = async (
  start: StartProgram,
  which: Which,
  program: ProgramName,
  namespace: string,
): Promise<Side> => {
  const [end, place] = [endOf(which), placeOfNamespace(namespace)];
  const file = `/var/run/wireguard/${end.name}.sock`;
  const running = start(await PROGRAMS[program](end.name), { namespace });
  let failure: unknown;
  running.result.catch((error: unknown) => (failure = error));
  await until(`${program} has its socket`, () => {
    if (failure !== undefined) throw failure;
    return existsSync(file);
  });
  await giveAddresses(place, end, 'veth0');
  return new Side(end, await newKeyPair(), place, async () => {
    await running.stop();
    rmSync(file, { force: true });
  });
};

/** The interface of a guest's kernel, which ends with the guest. @param make it, in the guest */
export const sideOfKernel = async (
  guest: Guest,
  make = (name: string): Promise<unknown> => guest.run(`ip link add ${name} type wireguard`),
): Promise<Side> => {
  const [end, place] = [endOf('theirs'), placeOfGuest(guest)];
  await guest.run(`ip address add ${end.outer[4]}/24 dev eth0\nip link set eth0 up`);
  await make(end.name);
  await giveAddresses(place, end, 'eth0');
  return new Side(end, await newKeyPair(), place, async () => {});
};

/** A program of ours needs more time where all is emulated. */
const START_MS = 120_000;
/** Where `wireguard run --kernel` serves its figures in the guest. */
export const GUEST_METRICS = '127.0.0.1:9100';
const RUN = new URL('../../pop-worker/wireguard/main.ts', import.meta.url).href;

/** As the command runs it; the rest of the command line takes half a minute to be read where all is emulated. */
const kernelProgram = (name: string): string => {
  const options = `{ kernel: true, metrics: '${GUEST_METRICS}', ready: () => {} }`;
  return `const { runWireGuard } = await import('${RUN}'); process.exitCode = await runWireGuard('${name}', ${options});`;
};

/** The same, made and served by `wireguard run --kernel`, whose process is in `/run/guest/pid`. */
export const sideOfOurKernel = (guest: Guest): Promise<Side> =>
  sideOfKernel(guest, async (name) => {
    const words = [process.execPath, '--input-type=module', '-e', kernelProgram(name)];
    const script = [
      `${commandLine(words)} < /dev/null > /run/guest/ours 2>&1 &`,
      'pid=$!',
      `until [ -S /run/wireguard/${name}.sock ]; do kill -0 $pid || { cat /run/guest/ours >&2; exit 1; }; sleep 0.2; done`,
      'echo $pid > /run/guest/pid',
    ];
    await guest.run(script.join('\n'), START_MS);
  });
