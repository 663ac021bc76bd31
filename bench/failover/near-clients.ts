/** Clients of a failover: brought to the lab, by MASQUE or by WireGuard. */
import path from 'node:path';
import type { Journey } from '#lab/journey.ts';
import { ANYCAST, namespaceOf } from '#lab/topology.ts';
import { newKeyPair } from '#lab/wireguard/key-pair.ts';
import { root } from '#scripts/setup/paths.mjs';
import type { Place, Program, ProgramSpec } from '../harness/program.ts';
import { createDevices, createSimulated, NETWORK4 } from './create-devices.ts';
import { profiled } from './faults.ts';
import type { DeviceAddresses, DevicesOrder, SimulatedDevice } from './order.ts';
import { begunBy, startWireGuardClients } from './wireguard-clients.ts';

const TUN = 'sim0';

export type Start = (spec: ProgramSpec, place?: Place) => Program;

/** A program of this folder, in a namespace of the lab. */
export const startAt = (start: Start, lab: string, host: string, script: string, order: object): Program =>
  start(
    {
      name: `${script} at ${host}`,
      command: process.execPath,
      args: [...profiled(), path.join(root, 'bench/failover', script)],
      ipc: true,
      order,
    },
    { namespace: namespaceOf(lab, host) },
  );

/** Starts devices on a host; what comes from their addresses goes to them. */
export const connect = async (
  start: Start,
  { lab, edge }: Journey,
  host: string,
  devices: readonly SimulatedDevice[],
) => {
  const order: DevicesOrder = { tun: TUN, ca: edge.authority.file, server: `https://${ANYCAST.v4}`, devices };
  await startAt(start, lab.name, host, 'devices.ts', order).ready;
  const network6 = `${devices[0]!.ipv6.slice(0, devices[0]!.ipv6.indexOf('::'))}::/64`;
  const added = devices.map(
    ({ ipv4, ipv6 }) => `address add ${ipv4}/32 dev ${TUN}\naddress add ${ipv6}/128 dev ${TUN} nodad\n`,
  );
  const routes = (network: string): string =>
    `route add default dev ${TUN} table 66\nrule add from ${network} lookup 66\n`;
  await lab.configure(host, `link set ${TUN} mtu 1280 up\n${added.join('')}${routes(NETWORK4)}`);
  await lab.exec(host, 'ip', ['-6', '-batch', '-'], { input: routes(network6) });
};

/** Clients at the PoP that something happens to. */
export interface NearClients {
  readonly devices: readonly DeviceAddresses[];
  /** Handshakes that they began by themselves so far, where somebody can say that. */
  readonly begun: () => number;
}

/** Brings so many clients there, the first of all devices. */
type Bring = (start: Start, journey: Journey, host: string, count: number) => Promise<NearClients>;

const byMasque: Bring = async (start, journey, host, count) => {
  const devices = await createSimulated(journey, 0, count);
  await connect(start, journey, host, devices);
  return { devices, begun: () => 0 };
};

const byWireGuard: Bring = async (start, journey, host, count) => {
  const keys = Array.from({ length: count }, newKeyPair);
  const parts = keys.map(({ publicKey }) => ({ wireguard: { publicKey } }));
  const created = await createDevices(journey, 0, parts);
  const devices = created.map((device, i) => ({ ...device, privateKey: keys[i]!.privateKey }));
  const { wireguardKey = '' } = journey.edge;
  const programs = await startWireGuardClients(start, journey.lab, host, wireguardKey, devices);
  return { devices, begun: () => begunBy(programs) };
};

export const BRING = { masque: byMasque, wireguard: byWireGuard } as const satisfies Record<string, Bring>;
