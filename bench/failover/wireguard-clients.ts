/** Stock wireguard-go clients, each with an interface of its own in one namespace, told apart by their inner addresses. */
import { existsSync, rmSync } from 'node:fs';
import { until } from '#lab/command.ts';
import type { Lab } from '#lab/lab.ts';
import { ANYCAST, namespaceOf } from '#lab/topology.ts';
import { wireguardTools } from '#scripts/setup/debian-peers.mjs';
import { wireguardGoPeer } from '#scripts/setup/go-peers.mjs';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import type { Place, Program, ProgramSpec } from '../harness/program.ts';
import { Skip } from '../suite.ts';
import { configure } from '../wireguard/scene.ts';
import type { DeviceAddresses } from './order.ts';

const PORT = 51_820;
/** As `cloudbridge device config` says. */
const MTU = 1400;
const READY_MS = 20_000;
const FIRST_TABLE = 1000;
/** What wireguard-go says with LOG_LEVEL=verbose. */
const INITIATION = 'Sending handshake initiation';

export interface WireGuardDevice extends DeviceAddresses {
  readonly privateKey: string;
}

type Start = (spec: ProgramSpec, place?: Place) => Program;

/** @throws Skip where there is none */
const wireguardGo = async (): Promise<string> => {
  try {
    await wireguardTools();
    return await wireguardGoPeer();
  } catch (error) {
    throw error instanceof PeerMissing ? new Skip(error.message) : error;
  }
};

const configurationOf = (edgeKey: string, { privateKey }: WireGuardDevice): string =>
  [
    ...['[Interface]', `PrivateKey = ${privateKey}`, '[Peer]', `PublicKey = ${edgeKey}`],
    ...['AllowedIPs = 0.0.0.0/0, ::/0', `Endpoint = ${ANYCAST.v4}:${PORT}`, ''],
  ].join('\n');

/** What comes from its addresses goes through its interface. */
const batches = (device: string, { ipv4, ipv6 }: WireGuardDevice, table: number) => {
  const lead = (address: string): string =>
    `route add default dev ${device} table ${table}\nrule add from ${address} lookup ${table}\n`;
  return {
    v4: `address add ${ipv4}/32 dev ${device}\nlink set ${device} mtu ${MTU} up\n${lead(ipv4)}`,
    v6: `address add ${ipv6}/128 dev ${device} nodad\n${lead(ipv6)}`,
  };
};

/** Starts them on a host of the lab; nothing is said to them after that. @throws Skip, LabError */
export const startWireGuardClients = async (
  start: Start,
  lab: Lab,
  host: string,
  edgeKey: string,
  devices: readonly WireGuardDevice[],
): Promise<Program[]> => {
  const command = await wireguardGo();
  const clients = devices.map((device, i) => {
    const name = `cbf${process.pid}x${i}`;
    const socket = `/var/run/wireguard/${name}.sock`;
    // One that was killed has left it.
    rmSync(socket, { force: true });
    const spec = { name: 'wireguard-go', command, args: ['-f', name], env: { LOG_LEVEL: 'verbose' } };
    return { device, name, socket, program: start(spec, { namespace: namespaceOf(lab.name, host) }) };
  });
  process.once('exit', () => {
    for (const { socket } of clients) rmSync(socket, { force: true });
  });
  await until('wireguard-go has its sockets', READY_MS, () => clients.every(({ socket }) => existsSync(socket)));
  for (const { name, device } of clients) await configure(name, configurationOf(edgeKey, device));
  const all = clients.map(({ name, device }, i) => batches(name, device, FIRST_TABLE + i));
  await lab.configure(host, all.map(({ v4 }) => v4).join(''));
  await lab.exec(host, 'ip', ['-6', '-batch', '-'], { input: all.map(({ v6 }) => v6).join('') });
  return clients.map(({ program }) => program);
};

/** Handshakes that they began by themselves so far. */
export const begunBy = (programs: readonly Program[]): number =>
  programs.reduce((sum, { output }) => sum + output.split(INITIATION).length - 1, 0);
