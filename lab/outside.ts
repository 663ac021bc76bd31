import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { root } from '#scripts/setup/paths.mjs';
import { sharedUrl } from './control-files.ts';
import type { Edge } from './edge.ts';
import type { GatewayOrder } from './gateway.ts';
import type { Lab } from './lab.ts';
import { cannotListen } from './listeners.ts';
import { NATS_PORTS, SERVICE_PORTS, splitAddress } from './place.ts';

/** An address of the machine's loopback that leads to a listener in a namespace. */
interface Door {
  readonly address: string;
  readonly port: number;
  readonly to: GatewayOrder;
}

const listen = ({ address, port }: Door): Promise<net.Server> =>
  new Promise((resolve, reject) => {
    const server = net.createServer({ pauseOnConnect: true });
    server.once('error', ({ code = '' }: NodeJS.ErrnoException) =>
      reject(
        cannotListen({ address, port, protocol: 'tcp' }, code, 'bring the lab up without --name, or with another'),
      ),
    );
    server.listen(port, address, () => resolve(server));
  });

const openDoors = async (lab: Lab, host: string, doors: readonly Door[]): Promise<void> => {
  const gateway = await lab.start({
    name: `gateway-${host}`,
    host,
    command: process.execPath,
    args: [path.join(root, 'lab/gateway.ts')],
    announcesReady: true,
  });
  for (const door of doors) {
    const server = await listen(door);
    await gateway.send(door.to, server);
    server.close();
  }
};

/** Lets programs of the machine reach what a lab in namespaces offers. Throws a `LabError` where a port is in use. */
export const openLab = async (lab: Lab): Promise<void> => {
  if (lab.topology === undefined) return;
  const { control, pops } = lab.place;
  const doors = [...Object.values(SERVICE_PORTS), NATS_PORTS.clients].map((port) => ({
    address: control.shared,
    port,
    to: { host: control.address, port },
  }));
  await Promise.all([
    openDoors(lab, 'control', doors),
    ...pops.map((pop) =>
      openDoors(lab, pop, [{ ...splitAddress(lab.place.metrics(pop)), to: hostOf(lab.place.worker(pop).admin) }]),
    ),
  ]);
};

const hostOf = (text: string): GatewayOrder => {
  const { address: host, port } = splitAddress(text);
  return { host, port };
};

/** What a program of the machine needs to use a lab. */
export interface OutsideAccess {
  /** PEM file of all that is to be trusted. */
  readonly ca: string;
  /** URLs. */
  readonly server: string;
  readonly services: string;
  readonly issuer: string;
  readonly tokenService: string;
  readonly nats: string;
  /** By PoP. */
  readonly metrics: Readonly<Record<string, string>>;
  /** Of the identity provider. */
  readonly project: string;
  /** The operator's, as JSON. */
  readonly keyFile: string;
  /** An integrator's of this tenant, for NATS. */
  readonly integrator: { readonly tenant: string; readonly credentials: string };
}

/** Writes what programs of the machine need into a folder that ends with the lab. */
export const writeAccess = async ({ lab, control }: Edge, operator: string, tenant: string): Promise<OutsideAccess> => {
  const folder = lab.makeFolder('outside');
  const write = (name: string, text: string): string => {
    const file = path.join(folder, name);
    fs.writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const read = (file: string): string => fs.readFileSync(file, 'utf8');
  const { project, key } = await control.account(operator);
  const { place } = lab;
  return {
    ca: write('ca.pem', control.authorities.map(read).join('')),
    server: sharedUrl(place, 'edge'),
    services: sharedUrl(place, 'config'),
    issuer: sharedUrl(place, 'auth'),
    tokenService: sharedUrl(place, 'token'),
    nats: `tls://${place.control.shared}:${NATS_PORTS.clients}`,
    metrics: Object.fromEntries(place.pops.map((pop) => [pop, `http://${place.metrics(pop)}/metrics`])),
    project,
    keyFile: write(`${operator}.json`, JSON.stringify(key)),
    integrator: { tenant, credentials: write(`${tenant}.creds`, read(control.integratorCredentials(tenant))) },
  };
};
