import fs from 'node:fs';
import path from 'node:path';
import { stringify } from 'smol-toml';
import { findNatsServer } from '#scripts/setup/nats-server.mjs';
import { root } from '#scripts/setup/paths.mjs';
import type { CreatedAccounts } from '#services/installation/accounts.ts';
import type { Authority, Identity } from '#services/installation/authority.ts';
import { type CreatedInstallation, createInstallation } from '#services/installation/create.ts';
import { LabError } from './errors.ts';
import type { Lab } from './lab.ts';
import { COPIES, configAdminPort, copyPort, SERVICE_PORTS, type Service } from './place.ts';
import type { ApiAnswer, ApiAnswers, ApiCall, ApiOrder } from './probes/api.ts';
import type { LabProcess } from './process.ts';

const SERVICES = Object.keys(SERVICE_PORTS) as Service[];

/** NATS and two copies of each service behind balancers, in a namespace of their own. */
export class ControlPlane {
  readonly #lab: Lab;
  readonly #folder: string;
  readonly #authority: Authority;
  readonly #identity: Identity;
  readonly #installation: CreatedInstallation;
  readonly #processes = new Map<string, LabProcess>();
  #accounts: CreatedAccounts = { project: '', organisation: '', keys: {} };

  private constructor(
    lab: Lab,
    folder: string,
    authority: Authority,
    identity: Identity,
    installation: CreatedInstallation,
  ) {
    this.#lab = lab;
    this.#folder = folder;
    this.#authority = authority;
    this.#identity = identity;
    this.#installation = installation;
  }

  /** Makes keys, certificates and configuration. */
  static async create(lab: Lab, authority: Authority): Promise<ControlPlane> {
    const folder = lab.makeFolder('control');
    const { address, copies } = lab.place.control;
    const workers = lab.place.pops.map((pop) => `${pop}/w1`);
    const installation = await createInstallation(folder, address, workers);
    const identity = await authority.issue('services', {
      names: [],
      addresses: [address, copies],
      usage: 'server',
    });
    return new ControlPlane(lab, folder, authority, identity, installation);
  }

  /** Starts everything, also after `kill`. */
  async start(): Promise<void> {
    await this.#startNats();
    await Promise.all(
      SERVICES.flatMap((service) => Array.from({ length: COPIES }, (_, copy) => this.startCopy(service, copy))),
    );
    await Promise.all(SERVICES.map((service) => this.#startBalancer(service)));
  }

  async #startNats(): Promise<void> {
    const server = findNatsServer();
    if (server === undefined)
      throw new LabError('nats-server is missing: run `npm start` once, or put 2.12 or newer on PATH.');
    const { config, environment } = this.#installation.nats;
    await this.#run('nats', { command: server.file, args: ['-c', config], env: environment });
  }

  /** One copy of a service. */
  async startCopy(service: Service, copy: number): Promise<void> {
    const file = this.#servicesFile(copy);
    const args = [path.join(root, 'cli/main.ts'), 'serve', service, '--config', file];
    await this.#run(`${service}-${copy + 1}`, {
      command: process.execPath,
      args,
      env: this.#trust,
      announcesReady: true,
    });
  }

  async #startBalancer(service: Service): Promise<void> {
    const targets = Array.from({ length: COPIES }, (_, copy) => this.#copyAt(service, copy));
    const { address } = this.#lab.place.control;
    const args = [path.join(root, 'lab/balancer.ts'), address, `${SERVICE_PORTS[service]}`, ...targets];
    await this.#run(`${service}-balancer`, { command: process.execPath, args, announcesReady: true });
  }

  async #run(name: string, spec: Omit<Parameters<Lab['start']>[0], 'name' | 'host'>): Promise<void> {
    this.#processes.set(name, await this.#lab.start({ name, host: 'control', ...spec }));
  }

  /** Ends all of it at once, as a power cut does. */
  async kill(): Promise<void> {
    await Promise.all([...this.#processes.values()].map((process) => process.kill()));
    this.#processes.clear();
  }

  /** Ends one process at once. @param name such as `config-1` */
  async killOne(name: string): Promise<void> {
    await this.#processes.get(name)?.kill();
    this.#processes.delete(name);
  }

  /** Where a service is reached, through its balancer. */
  url(service: Service): string {
    return `https://${this.#lab.place.control.address}:${SERVICE_PORTS[service]}`;
  }

  #copyAt(service: Service, copy: number): string {
    return `${this.#lab.place.control.copies}:${copyPort(service, copy)}`;
  }

  get #trust(): Readonly<Record<string, string>> {
    return { NODE_EXTRA_CA_CERTS: this.#authority.file };
  }

  #servicesFile(copy: number): string {
    const file = path.join(this.#folder, `services-${copy + 1}.toml`);
    const { servers, nats, servicesCredentials, installationKey, revisionKey } = this.#installation;
    const { copies, prefixes } = this.#lab.place.control;
    const listen = (service: Service): string => this.#copyAt(service, copy);
    fs.writeFileSync(
      file,
      stringify({
        nats: { servers, credentials: servicesCredentials, ca: nats.ca, replicas: 1 },
        installation_key: installationKey,
        tls: this.#identity,
        identity: { issuer: this.url('auth') },
        auth: { listen: listen('auth') },
        token: { listen: listen('token'), issuer: this.url('token') },
        config: {
          listen: listen('config'),
          admin: `${copies}:${configAdminPort(copy)}`,
          revision_key: revisionKey,
          // No device reaches where the control plane itself listens for workers.
          refused: prefixes,
        },
      }),
    );
    return file;
  }

  /** The `[control]` section of a worker's file. */
  workerSection(pop: string): object {
    const { servers, nats, workerCredentials, revisionKeys } = this.#installation;
    return { servers, credentials: workerCredentials[`${pop}/w1`], ca: nats.ca, revision_keys: revisionKeys };
  }

  /** Creates service accounts. @param names `name` or `name:role` */
  async createAccounts(names: readonly string[]): Promise<void> {
    const command = [path.join(root, 'cli/main.ts'), 'installation', 'add-account', '--json'];
    const args = [...command, '--config', this.#servicesFile(0), ...names];
    this.#accounts = JSON.parse(await this.#lab.exec('control', process.execPath, args)) as CreatedAccounts;
  }

  /** The identity provider's ID of an account. */
  subjectOf(account: string): string {
    return this.#accountKey(account).userId;
  }

  #accountKey(account: string): ApiOrder['key'] {
    const key = this.#accounts.keys[account];
    if (key === undefined) throw new LabError(`There is no account ${account}.`);
    return key;
  }

  /** Calls the API from the internet host as this account, in order. Throws on an answer that is no success. */
  async call(account: string, ...calls: readonly ApiCall[]): Promise<Record<string, unknown>[]> {
    return (await this.timedCall(account, ...calls)).map(({ body }) => body);
  }

  /** The same, with the time at which each call was sent. */
  async timedCall(account: string, ...calls: readonly ApiCall[]): Promise<readonly ApiAnswer[]> {
    const { answers } = await this.#order(account, {
      calls: calls.map((each) => ({ ...each, url: `${this.url('config')}${each.url}` })),
    });
    for (const [i, { status, body }] of answers.entries()) {
      if (status >= 300)
        throw new LabError(`${calls[i]?.method} ${calls[i]?.url} answered ${status}: ${JSON.stringify(body)}`);
    }
    return answers;
  }

  /** A device's token, by its owner's OAuth flow. */
  async deviceToken(account: string, tenant: string, device: string): Promise<string> {
    const { token } = await this.#order(account, {
      exchange: { url: `${this.url('token')}/v1/token`, tenant, device },
    });
    if (token === undefined) throw new LabError(`There was no token for ${tenant}/${device}.`);
    return token;
  }

  async #order(account: string, order: Pick<ApiOrder, 'calls' | 'exchange'>): Promise<ApiAnswers> {
    const whole: ApiOrder = {
      issuer: this.url('auth'),
      project: this.#accounts.project,
      key: this.#accountKey(account),
      ...order,
    };
    const [name, file] = Object.entries(this.#trust)[0] as [string, string];
    const args = [`${name}=${file}`, process.execPath, path.join(root, 'lab/probes/api.ts')];
    return JSON.parse(await this.#lab.exec('internet', 'env', args, { input: JSON.stringify(whole) })) as ApiAnswers;
  }
}
