import path from 'node:path';
import { findNatsServer } from '#scripts/setup/nats-server.mjs';
import { root } from '#scripts/setup/paths.mjs';
import type { CreatedAccounts } from '#services/installation/accounts.ts';
import type { Authority } from '#services/installation/authority.ts';
import { addIntegrators, createInstallation } from '#services/installation/create.ts';
import type { CommandOptions } from './command.ts';
import { type ControlSettings, copyAt, sharedUrl, writeEdgeFile, writeServicesFile } from './control-files.ts';
import { LabError } from './errors.ts';
import type { Lab } from './lab.ts';
import { COPIES, SERVICE_PORTS, type Service } from './place.ts';
import type { Account, Exchange } from './probes/account.ts';
import type { ApiAnswer, ApiAnswers, ApiCall, ApiOrder } from './probes/api.ts';
import type { Steady, SteadyOrder } from './probes/steady.ts';
import type { LabProcess } from './process.ts';

/** Elsewhere it has machines of its own: here it does not hold up those who carry packets while it starts. */
const NICER = 10;
const SERVICES = Object.keys(SERVICE_PORTS) as Service[];
const copies = Array.from({ length: COPIES }, (_, copy) => copy);

/** NATS, and two copies of each service and of the API at the edge behind balancers, in a namespace of their own. */
export class ControlPlane {
  readonly #lab: Lab;
  readonly #settings: ControlSettings;
  readonly #authority: Authority;
  readonly #accountNames: readonly string[];
  readonly #processes = new Map<string, LabProcess>();
  #accounts: Promise<CreatedAccounts> | undefined;

  private constructor(lab: Lab, settings: ControlSettings, authority: Authority, accountNames: readonly string[]) {
    this.#lab = lab;
    this.#settings = settings;
    this.#authority = authority;
    this.#accountNames = accountNames;
  }

  /**
   * Makes keys, certificates and configuration.
   *
   * @param accountNames service accounts that there will be, `name` or `name:role`
   * @param tenants whose events integrations may read
   */
  static async create(
    lab: Lab,
    authority: Authority,
    accountNames: readonly string[],
    tenants: readonly string[],
  ): Promise<ControlPlane> {
    const folder = lab.makeFolder('control');
    const { address, shared, copies: inside } = lab.place.control;
    const workers = lab.place.pops.map((pop) => `${pop}/w1`);
    const edgeAddresses = [...new Set(lab.place.pops.flatMap((pop) => lab.place.worker(pop).addresses))];
    const hosts = { natsHosts: [address], natsAliases: [shared], edgeAddresses };
    const installation = await createInstallation({ folder, ...hosts, workers });
    // Before NATS starts, so that it knows them.
    const { changed: integrators } = await addIntegrators(folder, tenants);
    const identity = await authority.issue('services', {
      names: ['localhost'],
      addresses: [...new Set([address, shared, inside, '127.0.0.1'])],
      usage: 'server',
    });
    const settings = { folder, place: lab.place, identity, installation, integrators };
    return new ControlPlane(lab, settings, authority, accountNames);
  }

  /** Starts everything, also after `kill`. */
  async start(): Promise<void> {
    await this.#startNats();
    await Promise.all([
      ...SERVICES.flatMap((service) => copies.map((copy) => this.#startCopy(service, copy))),
      ...SERVICES.map((service) => this.#startBalancer(service)),
      this.#startForwarder(),
    ]);
  }

  async #startNats(): Promise<void> {
    const server = findNatsServer();
    if (server === undefined)
      throw new LabError('nats-server is missing: run `npm start` once, or put 2.12 or newer on PATH.');
    const { folder, config, environment } = this.#settings.installation.nats;
    // It reads its streams before it listens: seconds, after a power cut on a slow disk.
    const readyText = 'Server is ready';
    await this.#run('nats', { command: server.file, args: ['-c', config], cwd: folder, env: environment, readyText });
  }

  async #startCopy(service: Service, copy: number): Promise<void> {
    const file =
      service === 'edge'
        ? writeEdgeFile(this.#settings, copy, await this.#ensureAccounts())
        : writeServicesFile(this.#settings, copy);
    await this.#run(`${service}-${copy + 1}`, {
      command: process.execPath,
      args: [path.join(root, 'cli/main.ts'), 'serve', service, '--config', file],
      env: this.#trust,
      announcesReady: true,
    });
  }

  async #startBalancer(service: Service): Promise<void> {
    const targets = copies.map((copy) => copyAt(this.#lab.place, service, copy));
    const { balancers } = this.#lab.place.control;
    await this.#run(`${service}-balancer`, this.#balancer(balancers, service, targets));
  }

  /** The issuer is known by an address of the machine; the internet host reaches what is there in the lab. */
  async #startForwarder(): Promise<void> {
    const { address, shared } = this.#lab.place.control;
    if (shared === address) return;
    const forwarder = this.#balancer(shared, 'auth', [`${address}:${SERVICE_PORTS.auth}`]);
    await this.#run('auth-forwarder', { host: 'internet', ...forwarder });
  }

  #balancer(host: string, service: Service, targets: readonly string[]) {
    const args = [path.join(root, 'lab/balancer.ts'), host, `${SERVICE_PORTS[service]}`, ...targets];
    return { command: process.execPath, args, announcesReady: true };
  }

  async #run(name: string, spec: Omit<Parameters<Lab['start']>[0], 'name'>): Promise<void> {
    this.#processes.set(name, await this.#lab.start({ name, host: 'control', nicer: NICER, ...spec }));
  }

  /** Ends all of it at once, as a power cut does. @returns how many programs that were */
  async kill(): Promise<number> {
    const processes = [...this.#processes.values()];
    await Promise.all(processes.map((process) => process.kill()));
    this.#processes.clear();
    return processes.length;
  }

  /** Ends one copy of each service at once, and leaves the others. @returns what was ended */
  async killOneOfEach(): Promise<string[]> {
    const names = SERVICES.map((service) => `${service}-1`);
    await Promise.all(names.map((name) => this.#processes.get(name)?.kill()));
    for (const name of names) this.#processes.delete(name);
    return names;
  }

  /** Where a service is reached from inside the lab, through its balancer. */
  url(service: Service): string {
    return `https://${this.#lab.place.control.address}:${SERVICE_PORTS[service]}`;
  }

  get #trust(): Readonly<Record<string, string>> {
    return { NODE_EXTRA_CA_CERTS: this.#authority.file };
  }

  /** The `[control]` section of a worker's file. */
  workerSection(pop: string): object {
    const { servers, nats, workerCredentials, revisionKeys } = this.#settings.installation;
    return { servers, credentials: workerCredentials[`${pop}/w1`], ca: nats.ca, revision_keys: revisionKeys };
  }

  /** PEM files of who issued the certificates of services and of NATS. */
  get authorities(): readonly string[] {
    return [this.#authority.file, this.#settings.installation.nats.ca];
  }

  /** What a tenant's integration connects to NATS with. @returns the file */
  integratorCredentials(tenant: string): string {
    const files = this.#settings.integrators.find((each) => each.tenant === tenant);
    if (files === undefined) throw new LabError(`There is no integration of ${tenant}.`);
    return files.credentials;
  }

  /** Needs NATS only: it may be called while services start. */
  #ensureAccounts(): Promise<CreatedAccounts> {
    this.#accounts ??= (async () => {
      const command = [path.join(root, 'cli/main.ts'), 'installation', 'add-account', '--json'];
      const args = [...command, '--config', writeServicesFile(this.#settings, 0), ...this.#accountNames];
      return JSON.parse(await this.#lab.exec('control', process.execPath, args)) as CreatedAccounts;
    })();
    return this.#accounts;
  }

  /** The identity provider's ID of an account. */
  async subjectOf(account: string): Promise<string> {
    return (await this.account(account)).key.userId;
  }

  /** What programs call as. */
  async account(name: string): Promise<Account> {
    const { project, keys } = await this.#ensureAccounts();
    const key = keys[name];
    if (key === undefined) throw new LabError(`There is no account ${name}.`);
    return { issuer: sharedUrl(this.#lab.place, 'auth'), project, key };
  }

  /** Calls the API at the edge from the internet host as this account, in order. Throws on an answer that is no success. */
  async call(account: string, ...calls: readonly ApiCall[]): Promise<Record<string, unknown>[]> {
    return (await this.timedCall(account, ...calls)).map(({ body }) => body);
  }

  /** The same, with the time at which each call was sent. */
  async timedCall(account: string, ...calls: readonly ApiCall[]): Promise<readonly ApiAnswer[]> {
    const { answers } = await this.#order(account, {
      calls: calls.map((each) => ({ ...each, url: `${this.url('edge')}${each.url}` })),
    });
    for (const [i, { status, body }] of answers.entries()) {
      if (status >= 300)
        throw new LabError(`${calls[i]?.method} ${calls[i]?.url} answered ${status}: ${JSON.stringify(body)}`);
    }
    return answers;
  }

  /** Tokens of devices in this order, by their owner's OAuth flow. */
  async deviceTokens(account: string, tenant: string, devices: readonly string[]): Promise<readonly string[]> {
    const exchanges = devices.map((device) => ({ url: this.#tokenUrl, tenant, device }));
    return (await this.#order(account, { exchanges })).tokens;
  }

  /**
   * Calls the API at the edge and at the services, and asks for a device's tokens, all the time, from the internet host.
   *
   * @param meanwhile is called once all of that goes well, and it goes on for some seconds after
   */
  async steadyCalls(
    operator: string,
    owner: string,
    device: Pick<Exchange, 'tenant' | 'device'>,
    meanwhile: () => void,
  ): Promise<Steady> {
    const order: SteadyOrder = {
      operator: await this.account(operator),
      apis: [this.url('edge'), this.url('config')],
      owner: await this.account(owner),
      exchange: { url: this.#tokenUrl, ...device },
      seconds: 4,
    };
    const output = await this.#probe('steady.ts', order, { onFirstOutput: meanwhile });
    return JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as Steady;
  }

  get #tokenUrl(): string {
    return `${this.url('token')}/v1/token`;
  }

  async #order(account: string, order: Pick<ApiOrder, 'calls' | 'exchanges'>): Promise<ApiAnswers> {
    return JSON.parse(await this.#probe('api.ts', { ...(await this.account(account)), ...order })) as ApiAnswers;
  }

  /** Runs a probe on the internet host. @returns what it says */
  #probe(name: string, order: object, options?: CommandOptions): Promise<string> {
    const trust = Object.entries(this.#trust).map((pair) => pair.join('='));
    const args = [...trust, process.execPath, path.join(root, 'lab/probes', name)];
    return this.#lab.exec('internet', 'env', args, { input: JSON.stringify(order), ...options });
  }
}
