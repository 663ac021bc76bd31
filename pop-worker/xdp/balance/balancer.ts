import type { Front } from '../front.ts';
import { Backend, BackendState, Encapsulation, QuicConfig, QuicMode, Server, Service } from '../gen/front.ts';
import { aesTables, decryptionKeys } from './aes.ts';
import { Connections } from './connections.ts';
import { KernelTable } from './kernel-table.ts';
import type { FindNextHop, NextHop } from './next-hop.ts';
import { Numbers } from './numbers.ts';
import { Rings } from './rings.ts';
import { addressEntry, placeOfService, type ServiceEntry, serviceEntry } from './service-entries.ts';
import { type BalanceStatus, carriedOf, choicesOf } from './status.ts';
import {
  type BackendWanted,
  backendName,
  type HealthChange,
  type QuicLbWanted,
  type ServiceWanted,
  serviceName,
} from './wanted.ts';

interface LiveBackend {
  readonly id: number;
  readonly wanted: BackendWanted;
  readonly hop: NextHop | undefined;
  readonly state: Exclude<keyof typeof BackendState, 'gone'>;
}

interface LiveService {
  readonly id: number;
  readonly wanted: ServiceWanted;
  readonly backends: readonly LiveBackend[];
}

/** Of AES. */
const BLOCK_BYTES = 16;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const keyOf = (number: number): Uint8Array => new Uint8Array(new Uint32Array([number]).buffer);
const numberOf = (key: Uint8Array): number => new DataView(key.buffer, key.byteOffset).getUint32(0, true);

/** What a backend is to its service, whatever else changes. */
const identity = (service: number, address: Uint8Array, isV6: number): string =>
  `${service} ${hex(address.subarray(0, isV6 ? 16 : 4))}`;

const recordOf = (service: number, { wanted, hop, state }: LiveBackend): Uint8Array =>
  Backend.encode({
    ...hop,
    ...{ service, address: wanted.address, isV6: wanted.address.length === 16 ? 1 : 0, port: wanted.port },
    ...{ state: BackendState[state], encapsulation: Encapsulation[wanted.encapsulation] },
  });

const quicConfig = (wanted: QuicLbWanted | undefined): Uint8Array => {
  if (wanted === undefined) return QuicConfig.encode({ mode: QuicMode.none });
  const { serverIdBytes: serverBytes, nonceBytes, key } = wanted;
  const common = { serverBytes, nonceBytes, encodesLength: Number(wanted.encodesLength) };
  if (key === undefined) return QuicConfig.encode({ ...common, mode: QuicMode.plain });
  if (serverBytes + nonceBytes !== BLOCK_BYTES)
    throw new RangeError('server ID and nonce under a key have 16 bytes together');
  return QuicConfig.encode({ ...common, mode: QuicMode.block, keys: decryptionKeys(key) });
};

/**
 * Services and their backends in the tables of the program. What is wanted is said as a whole, and what differs is written:
 * a backend before any ring has it, a ring before any service leads to it, and the other way round when they go. Tables that
 * a process before this one filled are gone on with.
 */
export class Balancer {
  readonly #tables: Readonly<Record<'services' | 'servicePrefixes' | 'backends' | 'servers', KernelTable>>;
  readonly #front: Pick<Front, 'map'>;
  readonly #rings: Rings;
  readonly #connections: Connections;
  readonly #findNextHop: FindNextHop;
  readonly #serviceNumbers: Numbers;
  readonly #backendNumbers: Numbers;
  /** Numbers of backends by `identity`. */
  readonly #known = new Map<string, number>();
  /** Backends that checks have found so, each with its service. */
  readonly #down = new Set<string>();
  #live: readonly LiveService[] = [];
  #wanted: readonly ServiceWanted[] = [];

  constructor(front: Pick<Front, 'map'>, findNextHop: FindNextHop) {
    this.#front = front;
    this.#findNextHop = findNextHop;
    const isThere = (value: Uint8Array): boolean => Backend.read(value).state !== BackendState.gone;
    this.#tables = {
      services: new KernelTable(front.map('services')),
      servicePrefixes: new KernelTable(front.map('servicePrefixes')),
      backends: new KernelTable(front.map('backends'), isThere),
      servers: new KernelTable(front.map('servers')),
    };
    this.#rings = new Rings(front.map('rings'));
    this.#connections = new Connections(front.map('connections'));
    this.#serviceNumbers = new Numbers(front.map('rings').most, this.#serviceIds());
    for (const [key, value] of this.#tables.backends.entries()) {
      const { service, address, isV6 } = Backend.read(value);
      this.#known.set(identity(service, address, isV6), numberOf(key));
    }
    this.#backendNumbers = new Numbers(front.map('backends').most, this.#known.values());
  }

  #serviceIds(): number[] {
    const { services, servicePrefixes } = this.#tables;
    const ids = [services, servicePrefixes].flatMap((table) =>
      [...table.entries()].map(([, value]) => Service.read(value).id),
    );
    return ids.filter((id) => id !== 0);
  }

  /** These services from now on, and no others. @throws RangeError where they are too many; what was is in force then */
  setAll(services: readonly ServiceWanted[]): void {
    this.#apply(services);
    this.#wanted = services;
  }

  /** How connection IDs of QUIC are made from now on. */
  setConfigs(configs: readonly QuicLbWanted[]): void {
    this.#front.map('aesTables').update(keyOf(0), aesTables());
    const map = this.#front.map('quicConfigs');
    for (let id = 0; id < map.most; id++) map.update(keyOf(id), quicConfig(configs.find((one) => one.id === id)));
  }

  /** What checks found, of several at once. */
  setHealth(changes: readonly HealthChange[]): void {
    let isOther = false;
    for (const { service, backend, health } of changes) {
      const name = `${service} ${backend}`;
      isOther = (health === 'up' ? this.#down.delete(name) : !this.#down.has(name)) || isOther;
      if (health === 'down') this.#down.add(name);
    }
    if (isOther) this.#apply(this.#wanted);
  }

  /**
   * Of backends that a process before this one has left down, so that whoever takes over sends nothing there meanwhile: they stay
   * so until a check says otherwise. To be called before services are set.
   *
   * @param services that are checked @returns who it is
   */
  keepDown(services: readonly ServiceWanted[]): HealthChange[] {
    const kept = services.flatMap((service) =>
      service.backends
        .filter((backend) => this.#isLeftDown(service, backend))
        .map((backend) => ({ service: serviceName(service), backend: backendName(backend), health: 'down' as const })),
    );
    for (const { service, backend } of kept) this.#down.add(`${service} ${backend}`);
    return kept;
  }

  #isLeftDown(service: ServiceWanted, { address }: BackendWanted): boolean {
    const { table, key } = placeOfService(service);
    const there = this.#tables[table].get(key);
    if (there === undefined) return false;
    const known = this.#known.get(identity(Service.read(there).id, address, address.length === 16 ? 1 : 0));
    const left = known === undefined ? undefined : this.#tables.backends.get(keyOf(known));
    return left !== undefined && Backend.read(left).state === BackendState.down;
  }

  /** Looks for the ways to backends again. */
  refresh(): void {
    this.#apply(this.#wanted);
  }

  #numberOfService(service: ServiceWanted): number {
    const { table, key } = placeOfService(service);
    const there = this.#tables[table].get(key);
    return there === undefined ? this.#serviceNumbers.take() : Service.read(there).id;
  }

  #numberOfBackend(service: number, { address }: BackendWanted): number {
    const name = identity(service, address, address.length === 16 ? 1 : 0);
    const known = this.#known.get(name) ?? this.#backendNumbers.take();
    this.#known.set(name, known);
    return known;
  }

  /** The way that a backend had: one that is not known for a moment, as after a start, breaks no connection. */
  #lastHop(backend: number): NextHop | undefined {
    const there = this.#tables.backends.get(keyOf(backend));
    if (there === undefined) return undefined;
    const { nextHop, own, interface: device, mtu, source, spread } = Backend.read(there);
    return mtu === 0 ? undefined : { nextHop, own, interface: device, mtu, source, spread };
  }

  #stateOf(service: ServiceWanted, backend: BackendWanted, hop: NextHop | undefined): LiveBackend['state'] {
    if (hop === undefined || this.#down.has(`${serviceName(service)} ${backendName(backend)}`)) return 'down';
    return backend.isDraining ? 'draining' : 'up';
  }

  #lively(wanted: ServiceWanted): LiveService {
    const id = this.#numberOfService(wanted);
    const backends = wanted.backends.map((backend): LiveBackend => {
      const number = this.#numberOfBackend(id, backend);
      const hop = this.#findNextHop(backend.address) ?? this.#lastHop(number);
      return { id: number, wanted: backend, hop, state: this.#stateOf(wanted, backend, hop) };
    });
    return { id, wanted, backends };
  }

  #apply(services: readonly ServiceWanted[]): void {
    const live = this.#numbered(services);
    this.#setBackends(live, ({ state }) => state !== 'down');
    for (const service of live) this.#setRing(service);
    this.#setBackends(live, ({ state }) => state === 'down');
    this.#setServers(live);
    this.#setEntries(live.flatMap(({ id, wanted }) => [serviceEntry(wanted, id), addressEntry(wanted)]));
    this.#forget(live);
    this.#live = live;
  }

  #numbered(services: readonly ServiceWanted[]): LiveService[] {
    try {
      return services.map((wanted) => this.#lively(wanted));
    } catch (error) {
      this.#giveBack();
      throw error;
    }
  }

  /** Numbers of what came to no table. */
  #giveBack(): void {
    for (const [name, number] of this.#known) {
      if (this.#tables.backends.get(keyOf(number)) !== undefined) continue;
      this.#known.delete(name);
      this.#backendNumbers.give(number);
    }
    const services = new Set(this.#serviceIds());
    for (const id of this.#serviceNumbers.used) if (!services.has(id)) this.#serviceNumbers.give(id);
  }

  #setBackends(live: readonly LiveService[], which: (backend: LiveBackend) => boolean): void {
    for (const { id, backends } of live)
      for (const backend of backends.filter(which)) this.#tables.backends.set(keyOf(backend.id), recordOf(id, backend));
  }

  #setRing({ id, backends }: LiveService): void {
    const up = backends.filter(({ state }) => state === 'up');
    this.#rings.set(
      id,
      up.map((backend) => ({ id: backend.id, name: backendName(backend.wanted), weight: backend.wanted.weight })),
    );
  }

  #setServers(live: readonly LiveService[]): void {
    const keys = live.flatMap(({ id: service, backends }) =>
      backends.flatMap((backend) =>
        backend.wanted.serverIds.map(({ config, id }) => {
          const key = Server.encode({ service, config, id });
          this.#tables.servers.set(key, keyOf(backend.id));
          return key;
        }),
      ),
    );
    this.#tables.servers.keepOnly(keys);
  }

  #setEntries(entries: readonly ServiceEntry[]): void {
    for (const { table, key, value } of entries) this.#tables[table].set(key, value);
    for (const name of ['services', 'servicePrefixes'] as const)
      this.#tables[name].keepOnly(entries.filter(({ table }) => table === name).map(({ key }) => key));
  }

  /** What is not wanted any more: nothing leads there now. */
  #forget(live: readonly LiveService[]): void {
    const services = new Set(live.map(({ id }) => id));
    const kept = live.flatMap(({ backends }) => backends.map(({ id }) => keyOf(id)));
    const gone = this.#tables.backends.keepOnly(kept, new Uint8Array(Backend.bytes)).map(numberOf);
    if (gone.length > 0) {
      const numbers = new Set(gone);
      this.#connections.forget(numbers);
      for (const [name, number] of this.#known) if (numbers.has(number)) this.#known.delete(name);
      for (const number of gone) this.#backendNumbers.give(number);
    }
    for (const id of this.#serviceNumbers.used) {
      if (services.has(id)) continue;
      this.#rings.delete(id);
      this.#serviceNumbers.give(id);
    }
  }

  status(): BalanceStatus {
    const { byBackend, ...connections } = this.#connections.count();
    const [services, backends] = [this.#front.map('serviceCounts'), this.#front.map('backendCounts')];
    return {
      services: this.#live.map((service) => ({
        service: serviceName(service.wanted),
        ...carriedOf(services, service.id),
        backends: service.backends.map(({ id, wanted, state }) => ({
          ...{ address: backendName(wanted), state, weight: wanted.weight },
          ...{ connections: byBackend.get(id) ?? 0, ...carriedOf(backends, id) },
        })),
      })),
      connections,
      choices: choicesOf(this.#front),
    };
  }
}
