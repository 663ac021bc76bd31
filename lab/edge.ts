import fs from 'node:fs';
import path from 'node:path';
import { stringify } from 'smol-toml';
import { root } from '#scripts/setup/paths.mjs';
import { Authority, type Identity } from '#services/installation/authority.ts';
import type { Bird } from './bird.ts';
import { ControlPlane } from './control-plane.ts';
import { LabError } from './errors.ts';
import type { Lab } from './lab.ts';
import { issueForMesh, meshSections } from './mesh-files.ts';
import type { LabProcess } from './process.ts';
import { bySocks } from './reach/by-socks.ts';
import { byTun } from './reach/by-tun.ts';
import type { Reach } from './reach/reach.ts';
import { OUTSIDE_PREFIX } from './topology.ts';
import { newKeyPair } from './wireguard/key-pair.ts';

/** What a device is asked for as; the control plane adds the rest. */
export interface DeviceSpec {
  readonly tenant: string;
  readonly id: string;
  /** Namespace that it lives in. */
  readonly host: string;
  readonly ipv4: string;
  /** Name of its TUN, and where that leads: one device of a namespace has everything, others what they say. */
  readonly tun: string;
  readonly leads: 'everywhere' | 'to neighbours' | 'to the internet host';
}

export interface Device extends DeviceSpec {
  /** Among all devices, from 0. */
  readonly index: number;
  readonly ipv6: string;
}

/**
 * Two tenants; `laptop` and `camera` have the same IPv4 address. `sensor` gets a token and connects only while the control
 * plane is gone; `late` is created just before that, and connects when it is back.
 */
export const DEVICES = {
  laptop: {
    tenant: 'acme',
    id: 'laptop',
    host: 'client1',
    ipv4: '10.64.0.2',
    tun: 'cloudbridge0',
    leads: 'everywhere',
  },
  phone: { tenant: 'acme', id: 'phone', host: 'client2', ipv4: '10.64.0.3', tun: 'cloudbridge0', leads: 'everywhere' },
  camera: {
    tenant: 'globex',
    id: 'camera',
    host: 'client3',
    ipv4: '10.64.0.2',
    tun: 'cloudbridge0',
    leads: 'everywhere',
  },
  sensor: {
    tenant: 'acme',
    id: 'sensor',
    host: 'client2',
    ipv4: '10.64.0.4',
    tun: 'cloudbridge1',
    leads: 'to neighbours',
  },
  late: {
    tenant: 'acme',
    id: 'late',
    host: 'client2',
    ipv4: '10.64.0.5',
    tun: 'cloudbridge2',
    leads: 'to the internet host',
  },
} as const satisfies Record<string, DeviceSpec>;
export type DeviceName = keyof typeof DEVICES;
export const DEVICE_NAMES = Object.keys(DEVICES) as DeviceName[];

/** Service accounts: who may do everything, and of each device its owner. */
export const OPERATOR = 'operator';
const ownerOf = (name: DeviceName): string => `owner-${name}`;

/** File of the private key that all workers share. */
const WIREGUARD_KEY = 'wireguard.key';

/** How a worker is started, besides its file: what only tests and measurements want. */
export interface WorkerStart {
  readonly nodeOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The edge in a lab: its control plane, a worker in each PoP, and the devices that connect. */
export class Edge {
  readonly lab: Lab;
  readonly control: ControlPlane;
  readonly authority: Authority;
  readonly workers = new Map<string, LabProcess>();
  /** Of the devices that were connected, `cloudbridge connect`. */
  readonly connections = new Map<DeviceName, LabProcess>();
  readonly reach: Reach;
  /** CBR_HOME of the devices: what they would undo in their namespaces ends with these. */
  readonly deviceHome: string;
  /** The edge's public key for WireGuard; undefined where workers have no TUN, and nobody comes by it. */
  readonly wireguardKey: string | undefined;
  readonly #folder: string;
  readonly #identity: Identity;
  readonly #ipv6 = new Map<string, string>();

  private constructor(
    lab: Lab,
    folder: string,
    authority: Authority,
    identity: Identity,
    control: ControlPlane,
    bird: Bird | undefined,
    wireguardKey: string | undefined,
  ) {
    this.lab = lab;
    this.#folder = folder;
    this.deviceHome = path.join(folder, 'devices');
    this.authority = authority;
    this.#identity = identity;
    this.control = control;
    this.wireguardKey = wireguardKey;
    const { socks } = lab.place;
    this.reach = socks === undefined ? byTun(this, bird) : bySocks(this, socks);
  }

  /** Makes keys and certificates, in folders that end with the lab. @param bird the router beside the PoPs */
  static async create(lab: Lab, bird?: Bird): Promise<Edge> {
    const folder = lab.makeFolder('edge');
    const authority = await Authority.open(folder);
    const { pops } = lab.place;
    const identity = await authority.issue('edge', {
      names: ['edge.cloudbridge.internal', 'localhost'],
      addresses: [...new Set([...pops.flatMap((pop) => lab.place.worker(pop).addresses), '127.0.0.1'])],
      usage: 'server',
    });
    const secret = (name: string, content: string | Uint8Array): void =>
      fs.writeFileSync(path.join(folder, name), content, { mode: 0o600 });
    secret('ticket.key', crypto.getRandomValues(new Uint8Array(80)));
    secret('reset.key', crypto.getRandomValues(new Uint8Array(32)));
    const wireguard = lab.place.socks === undefined ? newKeyPair() : undefined;
    if (wireguard !== undefined) secret(WIREGUARD_KEY, wireguard.privateKey);
    const tenants = [...new Set(Object.values(DEVICES).map(({ tenant }) => tenant))];
    const accounts = [`${OPERATOR}:operator`, ...DEVICE_NAMES.map(ownerOf)];
    const control = await ControlPlane.create(lab, authority, accounts, tenants);
    await issueForMesh(lab.place, path.join(folder, 'mesh'));
    return new Edge(lab, folder, authority, identity, control, bird, wireguard?.publicKey);
  }

  /** Starts one PoP's worker; resolves when it serves. */
  async startWorker(pop: string, how: WorkerStart = {}): Promise<LabProcess> {
    const file = path.join(this.#folder, `${pop}.toml`);
    fs.writeFileSync(file, this.#workerFile(pop));
    const worker = await this.lab.start({
      name: `worker-${pop}`,
      host: pop,
      command: process.execPath,
      args: [...(how.nodeOptions ?? []), path.join(root, 'cli/main.ts'), 'worker', 'run', '--config', file],
      ...(how.env && { env: how.env }),
      announcesReady: true,
    });
    this.workers.set(pop, worker);
    return worker;
  }

  #workerFile(pop: string): string {
    const { addresses, port, admin, outside, settings } = this.lab.place.worker(pop);
    return stringify({
      pop,
      worker: 'w1',
      state_directory: path.join(this.#folder, `${pop}-state`),
      listen: { addresses, port },
      tls: {
        certificate: this.#identity.certificate,
        key: this.#identity.key,
        ticket_keys: path.join(this.#folder, 'ticket.key'),
        reset_key: path.join(this.#folder, 'reset.key'),
      },
      admin: { listen: admin, socket: this.#socketOf(pop) },
      control: this.control.workerSection(pop),
      ...meshSections(this.lab.place, path.join(this.#folder, 'mesh'), pop),
      ...(outside !== undefined && { nat44: { own: [outside], fleet: [OUTSIDE_PREFIX] } }),
      ...(this.wireguardKey !== undefined && {
        wireguard: { private_key_file: path.join(this.#folder, WIREGUARD_KEY) },
      }),
      ...settings,
    });
  }

  #socketOf(pop: string): string {
    return path.join(this.#folder, `${pop}.sock`);
  }

  /** `cloudbridge worker drain` and the like, on the worker's machine. */
  async order(pop: string, order: 'withdraw' | 'drain' | 'undrain'): Promise<void> {
    const args = [path.join(root, 'cli/main.ts'), 'worker', order, '--socket', this.#socketOf(pop)];
    await this.lab.exec(pop, process.execPath, args);
  }

  /** Creates devices by the API, each with its owner. @returns what it answered */
  async createDevices(...names: readonly DeviceName[]): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const calls = names.map(async (name) => {
      const { tenant, id, ipv4 } = DEVICES[name];
      const body = { id, network: 'home', ipv4Address: ipv4, owner: await this.control.subjectOf(ownerOf(name)) };
      return { method: 'POST', url: `/v1/tenants/${tenant}/devices`, body };
    });
    const created = await this.control.call(OPERATOR, ...(await Promise.all(calls)));
    for (const [i, name] of names.entries()) this.#ipv6.set(name, String(created[i]?.['ipv6Address']));
    return created;
  }

  device(name: DeviceName): Device {
    const ipv6 = this.#ipv6.get(name);
    if (ipv6 === undefined) throw new LabError(`The device ${name} is not created yet: its step must come first.`);
    return { ...DEVICES[name], ipv6, index: DEVICE_NAMES.indexOf(name) };
  }

  /** File with a device's token, as its owner's account got it by OAuth. */
  async token(name: DeviceName): Promise<string> {
    const { tenant, id } = DEVICES[name];
    const file = path.join(this.#folder, `${tenant}-${id}.token`);
    const [token = ''] = await this.control.deviceTokens(ownerOf(name), tenant, [id]);
    fs.writeFileSync(file, token, { mode: 0o600 });
    return file;
  }
}
