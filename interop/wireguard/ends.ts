import { existsSync, rmSync } from 'node:fs';
import type { Program, ProgramSpec } from '#bench/harness/program.ts';
import { until } from '../bgp/until.ts';
import type { Guest } from '../guest/guest.ts';
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

/** The interface of a guest's kernel, which ends with the guest. */
export const sideOfKernel = async (guest: Guest): Promise<Side> => {
  const [end, place] = [endOf('theirs'), placeOfGuest(guest)];
  await guest.run(
    `ip address add ${end.outer[4]}/24 dev eth0\nip link set eth0 up\nip link add ${end.name} type wireguard`,
  );
  await giveAddresses(place, end, 'eth0');
  return new Side(end, await newKeyPair(), place, async () => {});
};
